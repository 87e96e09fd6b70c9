// Package file finds files of events and reads the records in them.
package file

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
)

// File is one file to read.
type File struct {
	Path      string
	Size      int64     // as it lies on disk
	Mod       time.Time // last change
	Delivered time.Time // CloudTrail's delivery time in the name; zero = none
	Digest    bool      // it lies where CloudTrail puts digest files
}

// Skip is something that could not be read, and why.
type Skip struct {
	Name   string
	Reason string
}

// suffixes are the names that are taken from folders. Files that are named
// themselves are read whatever they are called.
var suffixes = []string{".json", ".ndjson", ".jsonl", ".log"}

var packings = []string{"", ".gz", ".zst"}

func wanted(name string) bool {
	name = strings.ToLower(name)
	for _, s := range suffixes {
		for _, p := range packings {
			if strings.HasSuffix(name, s+p) {
				return true
			}
		}
	}
	return strings.HasSuffix(name, ".gz") || strings.HasSuffix(name, ".zst")
}

// List finds the files at paths: files, folders with all below them, and globs
// (** for any depth). They come in the order of the delivery times in their
// names, then of their paths, each once. What cannot be looked into is listed
// beside them; a path at which there is nothing is an error.
func List(paths []string) (files []File, skipped []Skip, err error) {
	l := lister{seen: map[string]bool{}}
	for _, p := range paths {
		if err := l.path(p); err != nil {
			return nil, nil, err
		}
	}
	slices.SortStableFunc(l.files, func(a, b File) int {
		return cmp.Or(a.Delivered.Compare(b.Delivered), strings.Compare(a.Path, b.Path))
	})
	return l.files, l.skipped, nil
}

type lister struct {
	files   []File
	skipped []Skip
	seen    map[string]bool
}

func (l *lister) path(p string) error {
	info, err := os.Stat(p)
	switch {
	case err == nil && info.IsDir():
		before := len(l.files) + len(l.skipped)
		l.dir(p)
		if len(l.files)+len(l.skipped) == before {
			return fmt.Errorf("there are no event files under %q (looked for .json, .ndjson, .jsonl and .log, plain, .gz or .zst; name other files themselves)", p)
		}
		return nil
	case err == nil:
		if !info.Mode().IsRegular() {
			return fmt.Errorf("cannot read %q: it is no regular file", p)
		}
		l.add(p, info)
		return nil
	case errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(p, "*?[{"):
		return l.glob(p)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no file or folder %q%s", p, nearest(p))
	}
	return fmt.Errorf("cannot read %q: %w", p, err)
}

// nearest names the part of a path that does exist.
func nearest(p string) string {
	for dir := filepath.Dir(p); dir != "." && dir != p; p, dir = dir, filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil {
			return fmt.Sprintf("; %q is there", dir)
		}
	}
	return ""
}

func (l *lister) dir(root string) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			l.skip(path, err)
			return nil
		}
		if d.IsDir() || !wanted(d.Name()) {
			return nil
		}
		info, err := os.Stat(path) // follows links to files; links to folders are not entered
		switch {
		case err != nil:
			l.skip(path, err)
		case info.Mode().IsRegular():
			l.add(path, info)
		}
		return nil
	})
	if err != nil {
		l.skip(root, err)
	}
}

func (l *lister) glob(pattern string) error {
	matches, err := doublestar.FilepathGlob(pattern, doublestar.WithNoFollow())
	if err != nil {
		return fmt.Errorf("cannot read the pattern %q: %w", pattern, err)
	}
	if len(matches) == 0 {
		return fmt.Errorf("nothing matches %q", pattern)
	}
	for _, m := range matches {
		info, err := os.Stat(m)
		switch {
		case err != nil:
			l.skip(m, err)
		case info.IsDir():
			l.dir(m)
		case info.Mode().IsRegular():
			l.add(m, info)
		}
	}
	return nil
}

func (l *lister) skip(path string, err error) {
	l.skipped = append(l.skipped, Skip{path, Reason(err)})
}

func (l *lister) add(path string, info fs.FileInfo) {
	key := path
	if abs, err := filepath.Abs(path); err == nil {
		key = filepath.Clean(abs)
	}
	if l.seen[key] {
		return
	}
	l.seen[key] = true
	f := File{Path: path, Size: info.Size(), Mod: info.ModTime(), Delivered: DeliveredAt(path)}
	f.Digest = strings.Contains(filepath.ToSlash(path), "/CloudTrail-Digest/")
	l.files = append(l.files, f)
}

// deliveryName is how CloudTrail names files: account_CloudTrail_region_time_…
var deliveryName = regexp.MustCompile(`_(?:CloudTrail|CloudTrail-Insight|CloudTrail-Digest)_.*?_?(\d{8}T\d{4}Z)_`)

// DeliveredAt returns the delivery time in the name of a CloudTrail file, zero
// when there is none. The events inside happened before it.
func DeliveredAt(path string) time.Time {
	m := deliveryName.FindStringSubmatch(filepath.Base(path))
	if m == nil {
		return time.Time{}
	}
	t, err := time.Parse("20060102T1504Z", m[1])
	if err != nil {
		return time.Time{}
	}
	return t
}

// Reason says in few words why a file could not be read.
func Reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return err.Error()
}
