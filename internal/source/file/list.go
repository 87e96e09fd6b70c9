// Package file finds files of events and reads the records in them.
package file

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/aws/trailkey"
	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/unpack"

	"github.com/bmatcuk/doublestar/v4"
)

// File is one file to read.
type File struct {
	Path      string
	Size      int64     // as it lies on disk
	Mod       time.Time // last change
	Delivered time.Time // CloudTrail's delivery time in the name; zero = none
	Digest    bool      // it lies where CloudTrail puts digest files
	ID        ID
	Tag       string // of an object in S3: its ETag; "" = it lies on a disk of this machine
}

// ID tells a file from all others that are there, whatever its name; zero = the
// system does not say.
type ID struct{ Device, Inode uint64 }

// Found is what List found.
type Found struct {
	Files   []File
	Skipped []diag.Notice // what could not be looked into
	LeftOut LeftOut
}

// LeftOut counts files in folders and archives that hold no events by their first
// bytes.
type LeftOut struct {
	Count int
	Names []string // of the first of them
}

// Bounds of the names that are kept of them and that String tells.
const (
	maxLeft = 20
	maxTold = 2
)

// Add counts one more.
func (l *LeftOut) Add(path string) {
	if l.Count++; len(l.Names) < maxLeft {
		l.Names = append(l.Names, filepath.Base(path))
	}
}

// Join counts those of another one.
func (l *LeftOut) Join(o LeftOut) {
	l.Count += o.Count
	l.Names = append(slices.Clip(l.Names), o.Names[:min(len(o.Names), maxLeft-len(l.Names))]...)
}

// String says which files were left out, "" = none.
func (l LeftOut) String() string {
	names := l.Names[:min(len(l.Names), maxTold)]
	text := strings.Join(names, ", ")
	if l.Count > len(names) {
		text += ", …"
	}
	switch l.Count {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("1 file left out, it does not look like events (%s)", text)
	}
	return fmt.Sprintf("%d files left out, they do not look like events (%s)", l.Count, text)
}

// suffixes are the names that are read from folders without looking into the
// file. Of others the first bytes tell.
var suffixes = []string{".json", ".ndjson", ".jsonl", ".json.gz", ".ndjson.gz", ".jsonl.gz", ".json.zst", ".ndjson.zst", ".jsonl.zst", ".log", ".log.gz", ".gz", ".zst"}

// Known reports whether files of a name are read from folders without looking into them.
func Known(name string) bool { return known(name) }

func known(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(name, s) })
}

// List finds the files at paths: files, folders with all below them, and globs
// (** for any depth). Links are followed; each file comes once. They come in the
// order of the delivery times in their names, then of their paths. A path at
// which there is nothing is an error.
func List(paths []string) (Found, error) {
	l := lister{files: map[string]bool{}, dirs: map[string]bool{}, parents: map[string]string{}}
	for _, p := range paths {
		if err := l.path(p); err != nil {
			return Found{}, err
		}
	}
	slices.SortStableFunc(l.found.Files, func(a, b File) int { return Order(&a, &b) })
	return l.found, nil
}

// Order compares files by the order of List.
func Order(a, b *File) int {
	return cmp.Or(a.Delivered.Compare(b.Delivered), strings.Compare(a.Path, b.Path))
}

type lister struct {
	found       Found
	files, dirs map[string]bool // by their real paths
	parents     map[string]string
}

func (l *lister) path(p string) error {
	info, err := os.Stat(p)
	switch {
	case err == nil && info.IsDir():
		if l.dirs[realPath(p)] {
			return nil // listed already
		}
		before := len(l.found.Files) + len(l.found.Skipped) + len(l.files)
		l.tree(p)
		if len(l.found.Files)+len(l.found.Skipped)+len(l.files) == before {
			if l.found.LeftOut.Count > 0 {
				return fmt.Errorf("there are no event files under %q: %s", p, l.found.LeftOut)
			}
			return fmt.Errorf("there are no event files under %q", p)
		}
		return nil
	case err == nil:
		if !info.Mode().IsRegular() {
			return fmt.Errorf("cannot read %q: it is not a regular file", p)
		}
		l.add(p, l.real(p), statOf(info))
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

// tree lists all below a folder. Links come last, so that a file keeps its own
// name when a link leads to it as well.
func (l *lister) tree(root string) {
	links := l.dir(root, realPath(root))
	for len(links) > 0 {
		path := links[0]
		links = links[1:]
		info, err := os.Stat(path)
		switch {
		case err != nil:
			l.skip(path, err)
		case info.IsDir():
			links = append(links, l.dir(path, realPath(path))...)
		default:
			l.entry(path, realPath(path), statOf(info))
		}
	}
}

// dir lists a folder and those below it, and returns the links in them.
func (l *lister) dir(path, real string) (links []string) {
	if l.dirs[real] {
		return nil
	}
	l.dirs[real] = true
	entries, err := readDir(path)
	if err != nil {
		l.skip(path, err)
	}
	for i := range entries {
		e := &entries[i]
		below, belowReal := filepath.Join(path, e.Name()), filepath.Join(real, e.Name())
		switch {
		case e.IsDir():
			links = append(links, l.dir(below, belowReal)...)
		case e.Type()&fs.ModeSymlink != 0:
			links = append(links, below)
		case e.err != nil:
			l.skip(below, e.err)
		default:
			l.entry(below, belowReal, e.stat)
		}
	}
	return links
}

// entry adds a file of a folder when it may hold events.
func (l *lister) entry(path, real string, st stat) {
	if Signature(path) {
		return
	}
	if st.regular && !l.files[real] && (known(path) || l.mayHold(path)) {
		l.add(path, real, st)
	}
}

// Signature reports whether a file in a folder is the signature or other metadata of a
// digest file. S3 keeps these with the object, downloads keep them beside the digest.
func Signature(path string) bool {
	return (strings.HasSuffix(path, ".json.gz.signature") || strings.HasSuffix(path, ".json.gz.metadata.json")) && strings.Contains(filepath.Base(path), "_CloudTrail-Digest_")
}

// mayHold looks into a file whose name says nothing.
func (l *lister) mayHold(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true // the reader says why
	}
	defer f.Close()
	head := make([]byte, unpack.HeadSize)
	n, _ := io.ReadFull(f, head)
	if event.MayHold(head[:n]) {
		return true
	}
	l.found.LeftOut.Add(path)
	return false
}

// real is realPath of a file.
func (l *lister) real(path string) string {
	if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeSymlink != 0 {
		return realPath(path)
	}
	return l.beside(path)
}

// beside is realPath of a file that is no link. The folders of many files are
// resolved once.
func (l *lister) beside(path string) string {
	dir, name := filepath.Split(path)
	parent, ok := l.parents[dir]
	if !ok {
		parent = realPath(dir)
		l.parents[dir] = parent
	}
	return filepath.Join(parent, name)
}

// realPath returns the path without links, by which files are told apart.
func realPath(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
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
		info, err := os.Lstat(m)
		link := err == nil && info.Mode()&fs.ModeSymlink != 0
		if link {
			info, err = os.Stat(m)
		}
		switch {
		case err != nil:
			l.skip(m, err)
		case info.IsDir():
			l.tree(m)
		case info.Mode().IsRegular() && link:
			l.add(m, realPath(m), statOf(info))
		case info.Mode().IsRegular():
			l.add(m, l.beside(m), statOf(info))
		}
	}
	return nil
}

func (l *lister) skip(path string, err error) {
	l.found.Skipped = append(l.found.Skipped, diag.Unreadable(path, Reason(err)))
}

func (l *lister) add(path, real string, st stat) {
	if l.files[real] {
		return
	}
	l.files[real] = true
	l.found.Files = append(l.found.Files, File{
		Path: path, Size: st.size, Mod: st.mod, ID: st.id, Delivered: DeliveredAt(path),
		Digest: strings.Contains(filepath.ToSlash(path), "/CloudTrail-Digest/"),
	})
}

// DeliveredAt returns the delivery time in the name of a CloudTrail file, zero when there
// is none.
func DeliveredAt(path string) time.Time { return trailkey.Delivered(filepath.Base(path)) }

// Reason says in few words why a file could not be read.
func Reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return err.Error()
}
