package main

import (
	"archive/tar"
	"archive/zip"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the scripts run this test binary as bluetrail.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bluetrail": main})
}

// TestScript runs testdata/script/*.txtar: the command as users run it. Beside
// the commands of testscript there are
//
//	exits CODE PROGRAM ARG…   runs a program that has to end with this code
//	pack KIND OUT IN…         writes OUT from IN: gzip, zstd, base64, zip, tar, utf16le, utf16be, concat, half
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "pack": pack},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var failed *exec.ExitError
		if !errors.As(err, &failed) {
			ts.Fatalf("%v", err)
		}
		got = failed.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func pack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: pack KIND OUT IN…")
	}
	f, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	defer func() { ts.Check(f.Close()) }()
	var data []byte
	for _, in := range args[2:] {
		part, err := os.ReadFile(ts.MkAbs(in))
		ts.Check(err)
		data = append(data, part...)
	}
	switch kind := args[0]; kind {
	case "half":
		write(ts, f, data[:len(data)/2])
	case "concat":
		write(ts, f, data)
	case "gzip":
		w := gzip.NewWriter(f)
		write(ts, w, data)
		ts.Check(w.Close())
	case "zstd":
		w, err := zstd.NewWriter(f)
		ts.Check(err)
		write(ts, w, data)
		ts.Check(w.Close())
	case "base64":
		write(ts, f, []byte(base64.StdEncoding.EncodeToString(data)))
	case "utf16le", "utf16be":
		out := []byte{}
		for _, u := range utf16.Encode([]rune("\ufeff" + string(data))) {
			if kind == "utf16le" {
				out = append(out, byte(u), byte(u>>8))
			} else {
				out = append(out, byte(u>>8), byte(u))
			}
		}
		write(ts, f, out)
	case "zip":
		w := zip.NewWriter(f)
		for _, in := range args[2:] {
			member, err := w.Create(in)
			ts.Check(err)
			write(ts, member, []byte(ts.ReadFile(in)))
		}
		ts.Check(w.Close())
	case "tar":
		w := tar.NewWriter(f)
		for _, in := range args[2:] {
			part := []byte(ts.ReadFile(in))
			ts.Check(w.WriteHeader(&tar.Header{Name: in, Mode: 0o600, Size: int64(len(part))}))
			write(ts, w, part)
		}
		ts.Check(w.Close())
	default:
		ts.Fatalf("unknown kind %q", kind)
	}
}

func write(ts *testscript.TestScript, w io.Writer, data []byte) {
	_, err := w.Write(data)
	ts.Check(err)
}
