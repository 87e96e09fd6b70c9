// Package backup keeps copies of a data directory in a folder. Each backup is a folder of
// its own with all files and a manifest of their hashes; files that never change are hard
// links to those of the backup before it.
package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Names in a folder of backups.
const (
	manifestFile = "manifest.json"
	sumSuffix    = ".sha256" // of the file that holds the hash of the manifest
	dataDir      = "data"    // the files of a backup
	partial      = ".partial-"
	lockFile     = "lock"
	nameLayout   = "20060102T150405Z" // of a backup, by the time it began
)

// formatNow is the format of manifests.
const formatNow = 1

// StateFile is where a backup keeps the state.
const StateFile = "state.db"

// Head describes a backup.
type Head struct {
	Format  int       `json:"format"`  // of the manifest
	Program string    `json:"program"` // version of bluetrail
	Made    time.Time `json:"made"`
	Data    string    `json:"data"`   // the data directory
	State   int       `json:"state"`  // format of the state
	Store   string    `json:"store"`  // format of the stored events
	Events  int64     `json:"events"` // that are stored
	Batch   int64     `json:"batch"`  // the last one
	Losses  int       `json:"losses"` // days with an alarm
	Files   int       `json:"-"`      // number of files
	Bytes   int64     `json:"-"`      // of the files
	Name    string    `json:"-"`      // of the backup's folder
	Linked  int64     `json:"-"`      // bytes shared with the backup before
}

// File is a file of a backup.
type File struct {
	Path    string `json:"path"` // with slashes
	Size    int64  `json:"size"`
	Changed int64  `json:"changed"` // unix nanoseconds
	SHA256  string `json:"sha256"`
}

type manifest struct {
	Head
	List []File `json:"files"`
}

// Meter tells another goroutine how far work is.
type Meter struct{ done, total atomic.Int64 }

// Bytes returns how many bytes are done, and of how many.
func (m *Meter) Bytes() (done, total int64) { return m.done.Load(), m.total.Load() }

// Folder is a folder of backups that this process has locked.
type Folder struct {
	dir  string
	lock *os.File
	now  func() time.Time
}

// Open makes the folder if necessary, locks it, and removes what interrupted backups left.
func Open(dir string) (_ *Folder, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the backup folder: %w", err)
	}
	f := &Folder{dir: dir, now: time.Now}
	if f.lock, err = os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, fmt.Errorf("cannot open the backup folder: %w", err)
	}
	if err := syscall.Flock(int(f.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.lock.Close()
		return nil, fmt.Errorf("another backup into %q is under way; wait for it to end", dir)
	}
	left, err := filepath.Glob(filepath.Join(escape(dir), partial+"*"))
	for _, path := range left {
		err = errors.Join(err, os.RemoveAll(path))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot remove an unfinished backup: %w", err), f.Close())
	}
	return f, nil
}

// escape makes a path a pattern that matches only itself.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// Close unlocks the folder.
func (f *Folder) Close() error { return f.lock.Close() }

// Names returns the complete backups in a folder, the oldest first.
func Names(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the backup folder: %w", err)
	}
	for _, e := range entries {
		if _, err := time.Parse(nameLayout, e.Name()); err == nil && e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// Making is a backup that is being written.
type Making struct {
	folder *Folder
	name   string
	tmp    string
	last   map[string]File // of the backup before
	before string          // its folder
}

// Begin begins a backup of a data directory. The caller writes the state to StatePath and
// calls Finish or Abort.
func (f *Folder) Begin(data string) (*Making, error) {
	names, err := Names(f.dir)
	if err != nil {
		return nil, err
	}
	m := &Making{folder: f, name: f.now().UTC().Format(nameLayout)}
	if slices.Contains(names, m.name) {
		return nil, fmt.Errorf("there is a backup of this second already; run the command again")
	}
	if len(names) > 0 {
		m.before = filepath.Join(f.dir, names[len(names)-1])
		last, err := load(m.before)
		if err != nil {
			return nil, fmt.Errorf("cannot add to the previous backup, %w; use another folder", err)
		}
		if last.Data != data {
			return nil, fmt.Errorf("%q holds backups of %q; use another folder for those of %q", f.dir, last.Data, data)
		}
		m.last = map[string]File{}
		for _, file := range last.List {
			m.last[file.Path] = file
		}
	}
	m.tmp = filepath.Join(f.dir, partial+m.name)
	if err := os.MkdirAll(filepath.Join(m.tmp, dataDir), 0o700); err != nil {
		return nil, fmt.Errorf("cannot begin a backup: %w", err)
	}
	return m, nil
}

// StatePath is where the state goes.
func (m *Making) StatePath() string { return filepath.Join(m.tmp, dataDir, StateFile) }

// Abort removes the unfinished backup.
func (m *Making) Abort() error { return os.RemoveAll(m.tmp) }

// lasting reports whether a file never changes under its name.
func lasting(path string) bool {
	return strings.HasPrefix(path, "events/victorialogs/partitions/") && !strings.HasSuffix(path, "/parts.json") ||
		strings.HasPrefix(path, "events/big/") || strings.HasPrefix(path, "ids/") && strings.HasSuffix(path, ".run")
}

// Finish copies a frozen data directory and makes the backup complete.
func (m *Making) Finish(ctx context.Context, from string, head Head, meter *Meter) (_ Head, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("cannot finish the backup: %w", err), m.Abort())
		}
	}()
	head.Format, head.Made, head.Name = formatNow, m.folder.now().UTC(), m.name
	man := manifest{Head: head}
	var paths []string
	err = filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil || !d.Type().IsRegular() || rel == lockFile {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		meter.total.Add(info.Size())
		paths = append(paths, rel)
		return nil
	})
	if err != nil {
		return head, err
	}
	state, err := m.state(ctx, meter)
	if err != nil {
		return head, err
	}
	man.List = append(man.List, state)
	for _, rel := range paths {
		file, linked, err := m.keep(ctx, from, rel, meter)
		if err != nil {
			return head, err
		}
		if linked {
			man.Linked += file.Size
		}
		man.List = append(man.List, file)
	}
	if err := save(m.tmp, &man); err != nil {
		return head, err
	}
	if err := syncTree(m.tmp); err != nil {
		return head, err
	}
	if err := os.Rename(m.tmp, filepath.Join(m.folder.dir, m.name)); err != nil {
		return head, err
	}
	man.count()
	return man.Head, syncDir(m.folder.dir)
}

// count fills in what follows from the files.
func (m *manifest) count() {
	m.Files = len(m.List)
	for _, f := range m.List {
		m.Bytes += f.Size
	}
}

// state hashes the state.
func (m *Making) state(ctx context.Context, meter *Meter) (file File, err error) {
	f, err := os.Open(m.StatePath())
	if err != nil {
		return file, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return file, err
	}
	meter.total.Add(info.Size())
	sum, err := transfer(ctx, io.Discard, f, meter)
	return File{StateFile, info.Size(), info.ModTime().UnixNano(), sum}, err
}

// keep links a file to the backup before, or copies it.
func (m *Making) keep(ctx context.Context, from, rel string, meter *Meter) (file File, linked bool, err error) {
	src, err := os.Open(filepath.Join(from, rel))
	if err != nil {
		return file, false, err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return file, false, err
	}
	file = File{Path: filepath.ToSlash(rel), Size: info.Size(), Changed: info.ModTime().UnixNano()}
	to := filepath.Join(m.tmp, dataDir, rel)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return file, false, err
	}
	if was, ok := m.last[file.Path]; ok && lasting(file.Path) && was.Size == file.Size && was.Changed == file.Changed {
		old := filepath.Join(m.before, dataDir, rel)
		if info, err := os.Lstat(old); err == nil && info.Mode().IsRegular() && info.Size() == file.Size && os.Link(old, to) == nil {
			file.SHA256 = was.SHA256
			meter.done.Add(file.Size)
			return file, true, ctx.Err()
		}
	}
	file.SHA256, err = copyFile(ctx, to, src, info.ModTime(), meter)
	return file, false, err
}

// copyFile copies a file and returns the hash of its content.
func copyFile(ctx context.Context, to string, src io.Reader, changed time.Time, meter *Meter) (sum string, err error) {
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	defer dst.Close()
	if sum, err = transfer(ctx, dst, src, meter); err != nil {
		return "", err
	}
	if err := dst.Close(); err != nil {
		return "", err
	}
	return sum, os.Chtimes(to, changed, changed)
}

// transfer copies and hashes.
func transfer(ctx context.Context, dst io.Writer, src io.Reader, meter *Meter) (string, error) {
	h := sha256.New()
	buf := make([]byte, 256<<10)
	for {
		n, err := src.Read(buf)
		h.Write(buf[:n])
		if _, werr := dst.Write(buf[:n]); werr != nil {
			return "", werr
		}
		meter.done.Add(int64(n))
		if err == io.EOF {
			return hex.EncodeToString(h.Sum(nil)), nil
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return "", err
		}
	}
}

func save(dir string, m *manifest) error {
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	meter := &Meter{}
	for _, f := range []struct {
		name string
		text []byte
	}{{manifestFile, text}, {manifestFile + sumSuffix, fmt.Appendf(nil, "%x  %s\n", sum, manifestFile)}} {
		if _, err := copyFile(context.Background(), filepath.Join(dir, f.name), bytes.NewReader(f.text), m.Made, meter); err != nil {
			return err
		}
	}
	return nil
}

// maxManifest bounds what is read of a manifest: some 5 million files.
const maxManifest = 1 << 30

// load reads the manifest of a backup.
func load(dir string) (*manifest, error) {
	fail := func(format string, args ...any) (*manifest, error) {
		return nil, fmt.Errorf("the backup %q is damaged: %s", dir, fmt.Sprintf(format, args...))
	}
	path := filepath.Join(dir, manifestFile)
	info, err := os.Stat(path)
	if err != nil {
		return fail("%v", err)
	}
	if info.Size() > maxManifest {
		return fail("its manifest has %d bytes", info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fail("%v", err)
	}
	want, err := os.ReadFile(path + sumSuffix)
	if err != nil {
		return fail("%v", err)
	}
	if sum := fmt.Sprintf("%x  %s\n", sha256.Sum256(text), manifestFile); sum != string(want) {
		return fail("its manifest is not what was written")
	}
	m := &manifest{}
	if err := json.Unmarshal(text, m); err != nil {
		return fail("its manifest cannot be read: %v", err)
	}
	if m.Format != formatNow {
		return nil, fmt.Errorf("the backup %q was written by version %s in format %d, this version reads format %d; use that version", dir, m.Program, m.Format, formatNow)
	}
	for _, f := range m.List {
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			return fail("its manifest names %q", f.Path)
		}
	}
	m.Name = filepath.Base(dir)
	m.count()
	return m, nil
}

// Prune removes the oldest backups until as many are left as keep says.
func (f *Folder) Prune(keep int) (removed []string, err error) {
	names, err := Names(f.dir)
	if err != nil {
		return nil, err
	}
	for len(names) > keep {
		// An interrupted removal must not leave a backup that looks complete.
		gone := filepath.Join(f.dir, partial+names[0])
		if err := os.Rename(filepath.Join(f.dir, names[0]), gone); err != nil {
			return removed, fmt.Errorf("cannot remove an old backup: %w", err)
		}
		if err := os.RemoveAll(gone); err != nil {
			return removed, fmt.Errorf("cannot remove an old backup: %w", err)
		}
		removed, names = append(removed, names[0]), names[1:]
	}
	return removed, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
