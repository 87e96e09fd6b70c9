package vlogs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bluetrail/internal/leftover"
)

// checkedFile records when all parts of the store were last read and matched
// what was written.
const checkedFile = "checked"

// noteChecked records that all parts were read.
func (s *Store) noteChecked(at time.Time) error {
	if err := leftover.ReplaceWith(s.dir, checkedFile, []byte(at.UTC().Format(time.RFC3339)+"\n")); err != nil {
		return fmt.Errorf("cannot note when the store was checked: %w", err)
	}
	return nil
}

// Checked returns when all parts were last read and matched what was written.
// The time is zero if that is unknown.
func (s *Store) Checked() (time.Time, error) {
	data, err := os.ReadFile(filepath.Join(s.dir, checkedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("cannot tell when the store was checked: %w", err)
	}
	at, err := time.Parse(time.RFC3339, strings.TrimSuffix(string(data), "\n"))
	if err != nil || at.After(time.Now().Add(24*time.Hour)) {
		return time.Time{}, nil // treat a damaged file as unknown
	}
	return at, nil
}

// OldestPart returns when the oldest part was written, which is when its
// checksum was computed. The time is zero if there are no parts.
func (s *Store) OldestPart() (oldest time.Time) {
	s.manifestMu.Lock()
	defer s.manifestMu.Unlock()
	for name := range s.manifest.parts {
		info, err := os.Stat(filepath.Join(s.dir, engineDir, "partitions", name, "metadata.json"))
		if err == nil && (oldest.IsZero() || info.ModTime().Before(oldest)) {
			oldest = info.ModTime()
		}
	}
	return oldest
}
