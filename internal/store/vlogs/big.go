package vlogs

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"bluetrail/internal/leftover"

	"github.com/cespare/xxhash/v2"
)

// bigDir holds records that are too large for a row.
const bigDir = "big"

// keepBig durably writes a record that is too large for a row to its own file.
// It returns the file's name, which contains a checksum of the record.
func (s *Store) keepBig(raw []byte, id [16]byte) (name string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot store a record of %d bytes: %w", len(raw), err)
		}
	}()
	dir := filepath.Join(s.dir, bigDir)
	name = fmt.Sprintf("%x-%016x.json", id, xxhash.Sum64(raw))
	return name, leftover.ReplaceWith(dir, name, raw)
}

// readBig returns a record that is stored in its own file. If the file is
// damaged, the next start checks the whole store.
func (s *Store) readBig(name string) ([]byte, error) {
	sum, err := bigSum(name)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(s.dir, bigDir, name)
	raw, err := os.ReadFile(path)
	if err == nil && xxhash.Sum64(raw) != sum {
		err = fmt.Errorf("%s: its content is not what was written", path)
	}
	if err != nil {
		s.suspect.Store(true)
		return nil, fmt.Errorf("cannot read a large record: %w", err)
	}
	return raw, nil
}

// bigSum returns the checksum in the name of a large record.
func bigSum(name string) (uint64, error) {
	_, text, ok := strings.Cut(strings.TrimSuffix(name, ".json"), "-")
	sum, err := strconv.ParseUint(text, 16, 64)
	if !ok || err != nil || name != filepath.Base(name) {
		return 0, fmt.Errorf("bad name %q of a large record", name)
	}
	return sum, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
