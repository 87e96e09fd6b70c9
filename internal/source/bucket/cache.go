package bucket

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Cache keeps objects in a folder, for the next search of the same ones. Several
// processes may share it. A nil Cache keeps nothing.
type Cache struct {
	dir   string
	limit int64

	mu       sync.Mutex
	size     int64 // of all files, as far as this process knows
	own      int64 // bytes that this process added since it looked
	reserved int64 // for files that this process is writing
}

const (
	// lookAgain is the share of the limit after which a process looks what others added.
	lookAgain = 16
	// tempPrefix begins the names of files that are being written, and abandoned how old
	// they are when their process is certainly gone.
	tempPrefix = "new-"
	abandoned  = 24 * time.Hour
)

// OpenCache opens a cache of at most limit bytes and makes its folder.
func OpenCache(dir string, limit int64) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the cache: %w", err)
	}
	c := &Cache{dir: dir, limit: limit}
	if err := c.tidy(); err != nil {
		return nil, fmt.Errorf("cannot use the cache %q: %w", dir, err)
	}
	return c, nil
}

// id returns the name of an object's content in the cache, "" where nothing tells it from
// other content under the same key. It has nothing of the key's
// own text, which may be hostile.
func (p *Place) id(bucket, key, tag string) string {
	if tag == anyTag {
		return ""
	}
	h := sha256.New()
	for _, part := range []string{p.o.Access.Endpoint, bucket, key, tag} {
		fmt.Fprintf(h, "%d:%s,", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (c *Cache) path(id string) string { return filepath.Join(c.dir, id[:2], id) }

// Has reports whether an object of a size is there.
func (c *Cache) Has(id string, size int64) bool {
	if c == nil || id == "" {
		return false
	}
	info, err := os.Lstat(c.path(id))
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}

// Open opens an object, nil = it is not there.
func (c *Cache) Open(id string, size int64) io.ReadCloser {
	if !c.Has(id, size) {
		return nil
	}
	f, err := os.Open(c.path(id))
	if err != nil {
		return nil
	}
	now := time.Now()
	_ = os.Chtimes(c.path(id), now, now) // what was used lately goes last; a read-only cache works, too
	return f
}

// Keep keeps an object. A cache that cannot be written keeps nothing.
func (c *Cache) Keep(id string, data []byte) {
	w := c.create(id, int64(len(data)))
	if w == nil {
		return
	}
	if _, err := w.file.Write(data); err == nil {
		w.commit()
	}
	w.drop()
}

// keepAll returns a reader of in that keeps the object once all of it was read.
func (c *Cache) keepAll(id string, size int64, in io.ReadCloser) io.ReadCloser {
	if w := c.create(id, size); w != nil {
		return &keeping{in: in, w: w}
	}
	return in
}

// keeping writes what is read to the cache.
type keeping struct {
	in io.ReadCloser
	w  *writing
	n  int64
}

// Read implements io.Reader.
func (k *keeping) Read(p []byte) (int, error) {
	n, err := k.in.Read(p)
	if k.w != nil && n > 0 {
		if _, failed := k.w.file.Write(p[:n]); failed != nil {
			k.w.drop()
			k.w = nil
		}
	}
	k.n += int64(n)
	return n, err
}

// Close implements io.Closer.
func (k *keeping) Close() error {
	if k.w != nil {
		if k.n == k.w.size {
			k.w.commit()
		}
		k.w.drop()
	}
	return k.in.Close()
}

// writing is a file of the cache that is not complete yet.
type writing struct {
	c    *Cache
	id   string
	size int64
	file *os.File
}

// create makes a file for an object of a size, nil = it is not kept.
func (c *Cache) create(id string, size int64) *writing {
	if c == nil || id == "" || size > c.limit || c.Has(id, size) || !c.fit(size) {
		return nil
	}
	dir := filepath.Dir(c.path(id))
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		c.unreserve(size)
		return nil
	}
	f, err := os.CreateTemp(dir, tempPrefix)
	if err != nil {
		c.unreserve(size)
		return nil
	}
	return &writing{c, id, size, f}
}

// unreserve gives room back that fit made.
func (c *Cache) unreserve(size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reserved -= size
}

// commit makes the file visible.
func (w *writing) commit() {
	if w.file.Close() == nil && os.Rename(w.file.Name(), w.c.path(w.id)) == nil {
		w.file = nil
		w.c.mu.Lock()
		defer w.c.mu.Unlock()
		w.c.reserved -= w.size
		w.c.size += w.size
		w.c.own += w.size
	}
}

// drop removes the file, unless it was committed.
func (w *writing) drop() {
	if w.file != nil {
		w.file.Close()
		os.Remove(w.file.Name())
		w.file = nil
		w.c.unreserve(w.size)
	}
}

// fit makes room for an object and reserves it.
func (c *Cache) fit(size int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	need := c.reserved + size
	if c.size+need > c.limit || c.own > c.limit/lookAgain {
		if c.evict(need) != nil || c.size+need > c.limit {
			return false
		}
	}
	c.reserved = need
	return true
}

func (c *Cache) tidy() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.evict(0)
}

// evict looks at the folder, and removes what was not used for longest until there is
// room for some bytes. It touches only files that the cache names.
func (c *Cache) evict(need int64) error {
	type kept struct {
		path string
		size int64
		used time.Time
	}
	var list []kept
	c.size, c.own = 0, 0
	dirs, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	for _, d := range dirs {
		if !d.IsDir() || !isHex(d.Name(), 2) {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(c.dir, d.Name()))
		if err != nil {
			continue
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil || !info.Mode().IsRegular() {
				continue
			}
			path := filepath.Join(c.dir, d.Name(), e.Name())
			switch {
			case isHex(e.Name(), 2*sha256.Size):
				list = append(list, kept{path, info.Size(), info.ModTime()})
				c.size += info.Size()
			case strings.HasPrefix(e.Name(), tempPrefix):
				if time.Since(info.ModTime()) > abandoned {
					os.Remove(path)
				}
			}
		}
	}
	if c.size+need <= c.limit {
		return nil
	}
	slices.SortFunc(list, func(a, b kept) int { return a.used.Compare(b.used) })
	goal := c.limit - c.limit/lookAgain - need
	for _, k := range list {
		if c.size <= goal {
			break
		}
		if err := os.Remove(k.path); err == nil || errors.Is(err, fs.ErrNotExist) {
			c.size -= k.size
		}
	}
	return nil
}

func isHex(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == ""
}
