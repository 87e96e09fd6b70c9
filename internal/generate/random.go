package generate

import "math/bits"

// random is a SplitMix64 sequence. It is written out here, rather than taken
// from math/rand, so that a seed means the same bytes under every release of Go.
type random struct{ state uint64 }

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	return scramble(r.state)
}

// below returns a number in [0, n); n must not be 0.
func (r *random) below(n uint64) uint64 { return within(r.next(), n) }

// within maps the 64-bit h onto [0, n) without the bias of a remainder.
func within(h, n uint64) uint64 {
	hi, _ := bits.Mul64(h, n)
	return hi
}

// skewed maps h onto [0, n) so that low numbers come most often, as a few
// buckets and instances get most of the calls: half of all fall in the first eighth.
func skewed(h uint64, n int) int {
	a := h >> 43
	return int(a * a >> 21 * a >> 21 * uint64(n) >> 21)
}

func scramble(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// mix folds its arguments into one hash; their order matters.
func mix(parts ...uint64) uint64 {
	h := uint64(0x6a09e667f3bcc908)
	for _, p := range parts {
		h = scramble(h ^ p + 0x9e3779b97f4a7c15)
	}
	return h
}

// hashText is FNV-1a, finished by scramble.
func hashText(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return scramble(h)
}

const (
	base32Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	crockford32   = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // S3 request ids leave out I, L, O and U
	base64Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	base64URL     = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	hexDigits     = "0123456789abcdef"
)

// appendHex appends n hexadecimal digits drawn from h.
func appendHex(b []byte, h uint64, n int) []byte {
	for i := range n {
		if i%16 == 0 && i > 0 {
			h = scramble(h + 1)
		}
		b = append(b, hexDigits[h>>(i%16*4)&15])
	}
	return b
}

// appendUUID appends a version 4 UUID drawn from h.
func appendUUID(b []byte, h uint64) []byte {
	hi, lo := h, scramble(h+0x9e3779b97f4a7c15)
	hi = hi&^0xf000 | 0x4000
	lo = lo&^(3<<62) | 1<<63
	var u [36]byte
	at := 0
	for i := range 32 {
		if i == 8 || i == 12 || i == 16 || i == 20 {
			u[at] = '-'
			at++
		}
		u[at] = hexDigits[hi>>60]
		hi = hi<<4 | lo>>60
		lo <<= 4
		at++
	}
	return append(b, u[:]...)
}

// appendText appends n letters of the 32- or 64-letter alphabet, drawn from h.
func appendText(b []byte, h uint64, n int, alphabet string) []byte {
	width, per := 5, 12
	if len(alphabet) == 64 {
		width, per = 6, 10
	}
	mask := uint64(len(alphabet) - 1)
	for n > 0 {
		v := h
		for range min(n, per) {
			b = append(b, alphabet[v&mask])
			v >>= width
		}
		n -= per
		h = scramble(h + 0x9e3779b97f4a7c15)
	}
	return b
}

// appendIdentifier appends a unique id of IAM such as AKIA… or AROA…, whose
// first ten characters after the prefix hold the account number as AWS packs
// it: base32 of 48 bits, the number shifted left by seven. length is that of the whole id.
func appendIdentifier(b []byte, prefix string, account, h uint64, length int) []byte {
	packed := (1<<47 | account<<7 | h&0x7f) << 2
	packed |= h >> 7 & 3
	b = append(b, prefix...)
	for i := range 10 {
		b = append(b, base32Letters[packed>>(45-5*i)&31])
	}
	return appendText(b, scramble(h), length-len(prefix)-10, base32Letters)
}

func identifier(prefix string, account, h uint64, length int) string {
	return string(appendIdentifier(nil, prefix, account, h, length))
}
