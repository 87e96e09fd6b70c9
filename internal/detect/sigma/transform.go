package sigma

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// change is a modifier that changes values.
func change(modifier string, in []pattern) (out []pattern, why string) {
	for _, p := range in {
		if modifier == "windash" {
			variants := dashes(p)
			if variants == nil {
				return nil, fmt.Sprintf("windash makes more than %d variants of %q", maxVariants, p)
			}
			out = append(out, variants...)
			continue
		}
		text, plain := p.text()
		if !plain {
			return nil, modifier + " cannot be combined with wildcards"
		}
		switch modifier {
		case "utf16le", "wide":
			text = encoded(text, false)
		case "utf16be":
			text = encoded(text, true)
		case "utf16":
			text = "\xff\xfe" + encoded(text, false)
		case "base64":
			text = base64.StdEncoding.EncodeToString([]byte(text))
		case "base64offset":
			for offset := range 3 {
				out = append(out, literal(offsetBase64(text, offset)))
			}
			continue
		}
		out = append(out, literal(text))
	}
	return out, ""
}

// offsetBase64 returns the characters that a text always has in base64 when so
// many bytes stand before it.
func offsetBase64(text string, offset int) string {
	s := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", offset) + text))
	begin := [3]int{0, 2, 3}[offset]
	end := len(s)
	switch (len(text) + offset) % 3 {
	case 1:
		end -= 3
	case 2:
		end -= 2
	}
	return s[min(begin, end):end]
}

func encoded(text string, bigEndian bool) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(text)) {
		if bigEndian {
			b.WriteByte(byte(u >> 8))
			b.WriteByte(byte(u))
		} else {
			b.WriteByte(byte(u))
			b.WriteByte(byte(u >> 8))
		}
	}
	return b.String()
}

// dashSigns are what Windows takes for the sign before an option.
var dashSigns = []string{"-", "/", "–", "—", "―"}

// dashes returns a pattern with each - or / that begins a word as each of the
// signs, nil when these are too many.
func dashes(p pattern) []pattern {
	out := []pattern{nil}
	for _, pc := range p {
		pieces := []piece{pc}
		if pc.wild == 0 {
			pieces = nil
			for _, lit := range dashed(pc.lit) {
				pieces = append(pieces, piece{lit: lit})
			}
		}
		var next []pattern
		for _, before := range out {
			for _, one := range pieces {
				next = append(next, append(slices.Clone(before), one))
			}
		}
		if out = next; len(out) > maxVariants || len(pieces) == 0 {
			return nil
		}
	}
	return out
}

func dashed(s string) []string {
	out := []string{""}
	isWord := func(i int) bool {
		if i < 0 || i >= len(s) {
			return false
		}
		c := s[i]
		return c == '_' || c-'0' <= 9 || c|0x20-'a' < 26 && c|0x20 >= 'a' || c >= 0x80
	}
	for i := 0; i < len(s); i++ {
		signs := []string{s[i : i+1]}
		if (s[i] == '-' || s[i] == '/') && !isWord(i-1) && isWord(i+1) {
			signs = dashSigns
		}
		if len(out)*len(signs) > maxVariants {
			return nil
		}
		if len(signs) == 1 {
			for j := range out {
				out[j] += signs[0]
			}
			continue
		}
		var next []string
		for _, before := range out {
			for _, sign := range signs {
				next = append(next, before+sign)
			}
		}
		out = next
	}
	return out
}
