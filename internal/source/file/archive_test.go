package file

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"bluetrail/internal/event"
)

type member struct {
	name string
	data []byte
}

func zipped(t *testing.T, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		f, err := w.Create(m.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(m.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarred(t *testing.T, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		if err := w.WriteHeader(&tar.Header{Name: m.name, Mode: 0o600, Size: int64(len(m.data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(m.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func times(n int, pack func([]byte) []byte, data []byte) []byte {
	for range n {
		data = pack(data)
	}
	return data
}

// TestArchives: every member is read, a broken one is one problem that names
// it, and what unpacks to too much ends the file, however it is divided.
func TestArchives(t *testing.T) {
	two := []byte("{\"eventVersion\":\"1.08\",\"a\":1}\n{\"eventVersion\":\"1.08\",\"a\":2}\n")
	one := func(b []byte) []byte { return gz(b) }
	bz2, err := base64.StdEncoding.DecodeString("QlpoOTFBWSZTWSMa1QAAABxbgAAQEAVwUAEAIiGdCiAAUKBpoZGTECqpkGRoaG1IVbu3KiFVnCaiyZhJC6aGHzCSHibCL/i7kinChIEY1qgA")
	if err != nil {
		t.Fatal(err)
	}
	packed := gz(two)
	spaces := bytes.Repeat([]byte(" "), 3<<20)
	encrypted := zipped(t, member{"x.json", two})
	for _, signature := range []string{"PK\x03\x04", "PK\x01\x02"} { // flags stand 6 and 8 bytes behind it
		at := bytes.Index(encrypted, []byte(signature)) + 6
		if signature[2] == 1 {
			at += 2
		}
		encrypted[at] |= 1
	}
	inner := two
	for range maxArchives + 1 {
		inner = tarred(t, member{"t.tar", inner})
	}
	dir := t.TempDir()
	for name, tc := range map[string]struct {
		data   []byte
		want   int
		faults []string
	}{
		"bzip2":         {bz2, 2, nil},
		"five layers":   {times(5, one, two), 2, nil},
		"six layers":    {times(6, one, two), 0, []string{"compressed more than 5 times"}},
		"zip":           {zipped(t, member{"a/", nil}, member{"a/x.json", two}, member{"b.gz", packed}, member{"__MACOSX/._b.gz", []byte("x")}), 4, nil},
		"zip of zip":    {zipped(t, member{"in.zip", zipped(t, member{"x", two})}), 2, nil},
		"tar.gz":        {gz(tarred(t, member{"x.json", two}, member{"y.json.gz", packed})), 4, nil},
		"one is broken": {zipped(t, member{"bad.gz", packed[:len(packed)-9]}, member{"good.gz", packed}), 4, []string{"bad.gz: byte 60: the compressed data ends early"}},
		"one is text":   {gz(tarred(t, member{"readme", []byte("hello\n")}, member{"x.json", two})), 2, []string{"left out: readme"}},
		"text in json":  {tarred(t, member{"a.json", []byte("hello\n")}, member{"x", two}), 2, []string{"a.json: 1 line, and it is not JSON"}},
		"one is bad":    {tarred(t, member{"x.json", append([]byte("{\"a\":nope}\n"), two...)}), 2, []string{"x.json: line 1, byte 0: found 'n', expected null"}},
		"encrypted":     {encrypted, 0, []string{"x.json: it is encrypted"}},
		"cut tar":       {tarred(t, member{"x.json", two}, member{"y.json", two})[:700+512], 2, []string{"archive is broken"}},
		"cut zip":       {zipped(t, member{"x.json", two})[:60], 0, []string{"cannot open the zip archive"}},
		"too deep":      {inner, 0, []string{"more than 4 deep"}},
		"bomb":          {zipped(t, member{"a.json", spaces}, member{"b.json", spaces}), 0, []string{"far more than its size"}},
		"bomb inside":   {tarred(t, member{"a.gz", gz(spaces)}, member{"b.gz", gz(spaces)}), 0, []string{"far more than its size"}},
	} {
		t.Run(name, func(t *testing.T) {
			lim := Limits{Limits: event.Limits{MaxRecord: 1 << 19}, MaxRatio: 100, MaxFree: 4 << 20}
			n, faults := readAll(t, write(t, filepath.Join(dir, strings.ReplaceAll(name, " ", "-")), tc.data), lim)
			if n != tc.want {
				t.Errorf("%d records, want %d (%q)", n, tc.want, faults)
			}
			if len(faults) != len(tc.faults) || len(faults) > 0 && !strings.Contains(fmt.Sprint(faults), tc.faults[0]) {
				t.Errorf("faults %q, want %q", faults, tc.faults)
			}
		})
	}
}

// TestStream reads what is no file, packed and as an archive, as it reads files.
func TestStream(t *testing.T) {
	const one, two = `{"eventVersion":"1.08","eventID":"1","eventName":"A"}`, `{"eventVersion":"1.08","eventID":"2","eventName":"B"}`
	for name, data := range map[string][]byte{
		"plain": []byte(`{"Records":[` + one + `,` + two + `]}`),
		"zip":   zipped(t, member{"a.json", []byte(one)}, member{"b.json", []byte(two)}),
	} {
		var read atomic.Int64
		r, err := OpenStream(io.NopCloser(bytes.NewReader(data)), int64(len(data)), DefaultLimits(), &read)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		n := 0
		for {
			if _, err = r.Next(); err != nil {
				break
			}
			n++
		}
		if err != io.EOF || n != 2 || read.Load() != int64(len(data)) {
			t.Errorf("%s: %d records, %d of %d bytes, %v", name, n, read.Load(), len(data), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
