package vlogs

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

// bigDir is where records lie that are too large for a row.
const bigDir = "big"

// keepBig writes a record that is too large for a row to a file of its own,
// durably, and returns its name.
func (s *Store) keepBig(raw []byte, id [16]byte) (name string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot keep a record of %d bytes: %w", len(raw), err)
		}
	}()
	dir := filepath.Join(s.dir, bigDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	tmp, err := os.CreateTemp(dir, ".part-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(raw)
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return "", err
	}
	name = hex.EncodeToString(id[:]) + ".json"
	if err := os.Rename(tmp.Name(), filepath.Join(dir, name)); err != nil {
		return "", err
	}
	return name, syncDir(dir)
}

func (s *Store) readBig(name string) ([]byte, error) {
	if name != filepath.Base(name) {
		return nil, fmt.Errorf("bad name %q of a large record", name)
	}
	raw, err := os.ReadFile(filepath.Join(s.dir, bigDir, name))
	if err != nil {
		return nil, fmt.Errorf("cannot read a large record: %w", err)
	}
	return raw, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
