package send

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"bluetrail/internal/alert/message"
)

type file struct{ o *Output }

func newFile(o *Output) (Sender, error) { return &file{o}, nil }

// Send implements Sender: it adds a line for each message and syncs the file. A line that
// a crash cut off is ended first.
func (f *file) Send(_ context.Context, b *message.Batch) (string, error) {
	var lines bytes.Buffer
	for i := range b.Messages {
		m := &b.Messages[i]
		var doc any = m
		if f.o.Format == "ocsf" {
			doc = ocsf(m)
		}
		line, err := json.Marshal(doc)
		if err != nil {
			return "", err
		}
		lines.Write(line)
		lines.WriteByte('\n')
	}
	if err := os.MkdirAll(filepath.Dir(f.o.Path), 0o700); err != nil {
		return "", err
	}
	if info, err := os.Stat(f.o.Path); err == nil && info.Size() > 0 && info.Size()+int64(lines.Len()) > int64(f.o.MaxMiB)<<20 {
		if err := f.rotate(); err != nil {
			return "", fmt.Errorf("cannot rotate: %w", err)
		}
	}
	out, err := os.OpenFile(f.o.Path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return "", err
	}
	err = add(out, lines.Bytes())
	if err = errors.Join(err, out.Close()); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d bytes written to %s", lines.Len(), f.o.Path), nil
}

func add(out *os.File, lines []byte) error {
	info, err := out.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is not a regular file")
	}
	if n := info.Size(); n > 0 {
		last := make([]byte, 1)
		if _, err := out.ReadAt(last, n-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			lines = append([]byte{'\n'}, lines...)
		}
	}
	if _, err := out.Write(lines); err != nil {
		return err
	}
	return out.Sync()
}

// rotate renames the file to .1, .1 to .2, and so on. The oldest goes.
func (f *file) rotate() error {
	name := func(n int) string {
		if n == 0 {
			return f.o.Path
		}
		return fmt.Sprintf("%s.%d", f.o.Path, n)
	}
	for n := f.o.Keep - 1; n >= 0; n-- {
		if err := os.Rename(name(n), name(n+1)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
