package vlogs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// manifestFile lists the parts that the engine had when the store was last
// committed to or closed. The engine never changes a part, it only replaces
// parts by merged ones, so that a part of the list that differs is damaged.
const manifestFile = "manifest"

const manifestHeader = "bluetrail parts 2"

// manifest is the parts by their path below partitions/: 20260105/datadb/NAME.
type manifest struct{ parts map[string]partEntry }

// partEntry is what is known of a part.
type partEntry struct {
	rows  int64  // of a part of datadb
	bytes int64  // of its files
	stat  uint64 // hash of names, sizes and times of its files, and of its index files
	sum   uint64 // hash of names and contents
}

// loadManifest reads the list; a damaged one or none is empty, so that all parts
// count as unknown and are read before they are used.
func loadManifest(dir string) (m *manifest, whole bool) {
	m = &manifest{parts: map[string]partEntry{}}
	data, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if err != nil {
		return m, false
	}
	cut := bytes.LastIndexByte(bytes.TrimSuffix(data, []byte("\n")), '\n') + 1
	if string(data[cut:]) != fmt.Sprintf("%016x\n", xxhash.Sum64(data[:cut])) || !bytes.HasPrefix(data, []byte(manifestHeader+"\n")) {
		return m, false
	}
	for line := range strings.Lines(string(data[len(manifestHeader)+1 : cut])) {
		var name string
		var e partEntry
		if _, err := fmt.Sscanf(line, "%s %d %d %x %x", &name, &e.rows, &e.bytes, &e.stat, &e.sum); err != nil {
			return &manifest{parts: map[string]partEntry{}}, false
		}
		m.parts[name] = e
	}
	return m, true
}

// save writes the list in one step, durably.
func (m *manifest) save(dir string) (err error) {
	var b bytes.Buffer
	b.WriteString(manifestHeader + "\n")
	for _, name := range slices.Sorted(maps.Keys(m.parts)) {
		e := m.parts[name]
		fmt.Fprintf(&b, "%s %d %d %x %x\n", name, e.rows, e.bytes, e.stat, e.sum)
	}
	fmt.Fprintf(&b, "%016x\n", xxhash.Sum64(b.Bytes()))
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot save the list of parts: %w", err)
		}
	}()
	return replaceFile(dir, manifestFile, b.Bytes())
}

// replaceFile writes a file of a folder in one step, durably.
func replaceFile(dir, name string, data []byte) error {
	temp := filepath.Join(dir, "."+name+".tmp")
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = cmp.Or(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	if err := os.Rename(temp, filepath.Join(dir, name)); err != nil {
		return err
	}
	return syncDir(dir)
}

// partKinds are the folders of a partition that hold parts.
var partKinds = []string{"datadb", "indexdb"}

// update brings the entries of a partition up to date. Parts that go away
// meanwhile, since the engine merges, are left out.
func (m *manifest) update(partitions, day string) (changed bool, err error) {
	now := map[string]bool{}
	for _, kind := range partKinds {
		names, err := listedParts(filepath.Join(partitions, day, kind))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return changed, err
		}
		for _, name := range names {
			key := day + "/" + kind + "/" + name
			if _, ok := m.parts[key]; ok {
				now[key] = true
				continue
			}
			e, err := readPart(filepath.Join(partitions, key), kind)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return changed, fmt.Errorf("cannot read part %s: %w", key, err)
			}
			m.parts[key] = e
			now[key], changed = true, true
		}
	}
	for key := range m.parts {
		if strings.HasPrefix(key, day+"/") && !now[key] {
			delete(m.parts, key)
			changed = true
		}
	}
	return changed, nil
}

// forget drops the parts of a partition.
func (m *manifest) forget(day string) {
	maps.DeleteFunc(m.parts, func(key string, _ partEntry) bool { return strings.HasPrefix(key, day+"/") })
}

// days are the partitions of the list with their rows.
func (m *manifest) days() map[string]int64 {
	days := map[string]int64{}
	for key, e := range m.parts {
		day, _, _ := strings.Cut(key, "/")
		days[day] += e.rows
	}
	return days
}

// readPart makes the entry of a part.
func readPart(dir, kind string) (e partEntry, err error) {
	if kind == "datadb" {
		if e.rows, err = partRows(dir); err != nil {
			return e, err
		}
	}
	if e.stat, e.bytes, err = statPart(dir); err != nil {
		return e, err
	}
	e.sum, err = sumPart(dir, nil)
	return e, err
}

// indexFiles say where the rows of a part are. They are small, and a flipped bit in
// them makes the engine return other rows without an error.
var indexFiles = map[string]bool{
	"metadata.json": true, "metaindex.bin": true, "index.bin": true, "columns_header_index.bin": true, "column_idxs.bin": true, "column_names.bin": true,
}

// statPart hashes the names, sizes and times of the files of a part, and the
// contents of its index files.
func statPart(dir string) (hash uint64, size int64, err error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return 0, 0, err
	}
	h := xxhash.New()
	buf := make([]byte, 64<<10)
	for _, f := range files { // in order of their names
		info, err := os.Stat(filepath.Join(dir, f.Name())) // of what a link of a mirror leads to
		if err != nil {
			return 0, 0, err
		}
		fmt.Fprintf(h, "%s %d %d\n", f.Name(), info.Size(), info.ModTime().UnixNano())
		if indexFiles[f.Name()] {
			sum, _, err := sumFile(filepath.Join(dir, f.Name()), buf, nil)
			if err != nil {
				return 0, 0, err
			}
			fmt.Fprintf(h, "%x\n", sum)
		}
		size += info.Size()
	}
	return h.Sum64(), size, nil
}

// sumPart hashes the names and contents of the files of a part. wait, if not
// nil, is called for every piece of n bytes that was read; its error ends it.
func sumPart(dir string, wait func(n int) error) (uint64, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	h := xxhash.New()
	buf := make([]byte, 64<<10)
	for _, file := range files {
		one, n, err := sumFile(filepath.Join(dir, file.Name()), buf, wait)
		if err != nil {
			return 0, err
		}
		fmt.Fprintf(h, "%s %d %x\n", file.Name(), n, one)
	}
	return h.Sum64(), nil
}

func sumFile(path string, buf []byte, wait func(n int) error) (sum uint64, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	h := xxhash.New()
	for {
		n, err := f.Read(buf)
		h.Write(buf[:n])
		size += int64(n)
		if err == io.EOF {
			return h.Sum64(), size, nil
		}
		if err == nil && wait != nil {
			err = wait(n)
		}
		if err != nil {
			return 0, 0, err
		}
	}
}
