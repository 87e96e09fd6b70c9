package leftover

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Replace replaces a file in a folder, which it makes if necessary, atomically and
// durably. It does not follow links that lead out of the folder.
func Replace(dir, name string, write func(io.Writer) error) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	f, temp, err := createTemp(root, name)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			root.Remove(temp)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := root.Rename(temp, name); err != nil {
		return err
	}
	folder, err := root.Open(".")
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

func createTemp(root *os.Root, name string) (*os.File, string, error) {
	for n := range 100 {
		temp := fmt.Sprintf(".%s.%d.%d.tmp", name, os.Getpid(), n)
		f, err := root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if !errors.Is(err, fs.ErrExist) {
			return f, temp, err
		}
	}
	return nil, "", fmt.Errorf("too many unfinished files beside %q", name)
}

// ReplaceWith replaces a file by data, as Replace does.
func ReplaceWith(dir, name string, data []byte) error {
	return Replace(dir, name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}
