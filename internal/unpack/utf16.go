package unpack

import (
	"bufio"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// utf16Reader turns UTF-16 into UTF-8. Half surrogates and a last odd byte
// become the replacement character.
type utf16Reader struct {
	in      *bufio.Reader
	big     bool
	pending []byte
	buf     [4 << 10]byte
	err     error
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.pending) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		out := u.buf[:0]
		for len(out)+2*utf8.UTFMax <= len(u.buf) && u.err == nil {
			r, ok := u.unit()
			if !ok {
				break
			}
			if utf16.IsSurrogate(r) {
				pair, err := u.in.Peek(2)
				if err != nil {
					out = utf8.AppendRune(out, utf8.RuneError)
					continue
				}
				if full := utf16.DecodeRune(r, u.rune(pair)); full != utf8.RuneError {
					u.in.Discard(2)
					r = full
				} else {
					r = utf8.RuneError
				}
			}
			out = utf8.AppendRune(out, r)
		}
		u.pending = out
	}
	n := copy(p, u.pending)
	u.pending = u.pending[n:]
	return n, nil
}

func (u *utf16Reader) unit() (rune, bool) {
	var b [2]byte
	n, err := io.ReadFull(u.in, b[:])
	switch {
	case err == nil:
		return u.rune(b[:]), true
	case n == 1 && err == io.ErrUnexpectedEOF:
		u.err = io.EOF
		return utf8.RuneError, true
	}
	u.err = err
	return 0, false
}

func (u *utf16Reader) rune(b []byte) rune {
	if u.big {
		return rune(b[0])<<8 | rune(b[1])
	}
	return rune(b[1])<<8 | rune(b[0])
}
