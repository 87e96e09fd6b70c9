package unpack

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
)

// TestUTF16 reads text with pairs of surrogates through small reads.
func TestUTF16(t *testing.T) {
	text := strings.Repeat("{\"a\":\"ä€𝄞\"}\n", 2000)
	for _, mark := range []bool{true, false} {
		for _, big := range []bool{true, false} {
			in, want := text, text
			if mark {
				in, want = "\ufeff"+text, "\ufeff"+text
			}
			var raw []byte
			for _, u := range utf16.Encode([]rune(in)) {
				if big {
					raw = append(raw, byte(u>>8), byte(u))
				} else {
					raw = append(raw, byte(u), byte(u>>8))
				}
			}
			left := int64(1 << 20)
			s, err := New(iotest.OneByteReader(bytes.NewReader(raw)), &left)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(s)
			s.Close()
			if err != nil || string(got) != want {
				t.Errorf("mark %v, big %v: %d bytes, want %d, %v", mark, big, len(got), len(want), err)
			}
		}
	}
}

// TestBrokenUTF16: halves of pairs and a last odd byte are no end of it.
func TestBrokenUTF16(t *testing.T) {
	left := int64(1 << 20)
	s, err := New(bytes.NewReader([]byte("\xff\xfea\x00\x00\xd8b\x00\x01\xdcc")), &left)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(s); err != nil || string(got) != "\ufeffa\ufffdb\ufffd\ufffd" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestGzipPadding: zeros behind a member are no data, and another member may
// follow them; other bytes are an error behind what was read.
func TestGzipPadding(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte("hello"))
	w.Close()
	one, zeros := b.String(), strings.Repeat("\x00", 70<<10)
	for name, tc := range map[string]struct {
		in, want string
		ok       bool
	}{
		"none":    {one, "hello", true},
		"zeros":   {one + zeros, "hello", true},
		"members": {one + one + "\x00" + one + zeros + one, "hellohellohellohello", true},
		"garbage": {one + zeros + "x", "hello", false},
		"text":    {one + "# Notes\n", "hello", false},
		"cut":     {one + one[:len(one)-9], "hellohello", false},
	} {
		left := int64(1 << 20)
		s, err := New(strings.NewReader(tc.in), &left)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(s)
		s.Close()
		if string(got) != tc.want || (err == nil) != tc.ok {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// FuzzNew: whatever comes, reading ends within the bound.
func FuzzNew(f *testing.F) {
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"))
	f.Add([]byte("BZh91AY&SY"))
	f.Add([]byte("\x28\xb5\x2f\xfd\x04\x00"))
	f.Add([]byte("\xff\xfe{\x00}\x00"))
	f.Add([]byte("\xff\x06\x00\x00sNaPpY"))
	f.Fuzz(func(t *testing.T, in []byte) {
		const bound = 1 << 20
		left := int64(bound)
		s, err := New(bytes.NewReader(in), &left)
		if err != nil {
			return
		}
		defer s.Close()
		// One read of a layer may pass the bound by its buffer.
		if n, _ := io.Copy(io.Discard, s); n > int64(len(in))+bound+64<<10 {
			t.Errorf("%d bytes out of %d", n, len(in))
		}
	})
}
