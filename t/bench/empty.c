/* t/bench/empty.c - a program that does nothing, linked with all that sendoff
 * is linked with (and not with what it loads later): what the loader and the
 * libraries cost before main. */
int main(void)
{
	return 0;
}
