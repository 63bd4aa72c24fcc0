/* base/codec.h - base64, base64url, hexadecimal, xtext and percent signs.
 *
 * Pure.  Decoders are strict: a stray octet, inner padding, or a length that
 * is not whole is an error, because lenient decoders are where two programs
 * come to disagree about what was said.
 */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include <stddef.h>

#include "base/buf.h"

/* RFC 4648 section 4, with padding, no line breaks. */
void base64_encode(const void *data, size_t len, struct buf *out);
int  base64_decode(const char *text, size_t len, struct buf *out);   /* 0, or -1: not base64 */

/* RFC 4648 section 5, without padding. */
void base64url_encode(const void *data, size_t len, struct buf *out);
int  base64url_decode(const char *text, size_t len, struct buf *out);

void hex_encode(const void *data, size_t len, struct buf *out);      /* lower case */
int  hex_decode(const char *text, size_t len, struct buf *out);      /* 0, or -1 */

/* RFC 3461 section 4: '+', '=', and all but 33 to 126 become +HH. */
void xtext_encode(const char *data, size_t len, struct buf *out);
int  xtext_decode(const char *text, size_t len, struct buf *out);    /* 0, or -1 */

/* RFC 3986 section 2: all but letters, digits and -._~ become %HH, as it suits queries and
 * forms alike.  Decoding takes a plus sign for a blank, as forms have it. */
void percent_encode(const char *data, size_t len, struct buf *out);
int  percent_decode(const char *text, size_t len, struct buf *out);  /* 0, or -1: a lone % */

#endif
