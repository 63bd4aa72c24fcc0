/* base/codec.h - base64, hexadecimal and xtext.
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

void hex_encode(const void *data, size_t len, struct buf *out);      /* lower case */
int  hex_decode(const char *text, size_t len, struct buf *out);      /* 0, or -1 */

/* RFC 3461 section 4: '+', '=', and all but 33 to 126 become +HH. */
void xtext_encode(const char *data, size_t len, struct buf *out);
int  xtext_decode(const char *text, size_t len, struct buf *out);    /* 0, or -1 */

#endif
