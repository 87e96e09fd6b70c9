package vlogs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bluetrail/internal/leftover"

	"github.com/cespare/xxhash/v2"
)

// manifestFile lists the parts that the engine had when the store was last
// committed or closed. The engine never changes a part; it only replaces parts
// with merged ones. A listed part that differs is therefore damaged.
const manifestFile = "manifest"

const manifestHeader = "bluetrail parts 2"

// manifest maps paths below partitions/, such as 20260105/datadb/NAME, to
// parts.
type manifest struct{ parts map[string]partEntry }

// partEntry is what the manifest knows about a part.
type partEntry struct {
	rows  int64  // of a datadb part
	bytes int64  // of its files
	stat  uint64 // hash of names, sizes and times of its files, and of its index files
	sum   uint64 // hash of names and contents
}

// loadManifest reads the list. If it is damaged or missing, the result is
// empty; all parts then count as unknown and are read before use.
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

// save writes the list atomically and durably.
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
	return leftover.ReplaceWith(dir, manifestFile, b.Bytes())
}

// partKinds are the folders of a partition that contain parts.
var partKinds = []string{"datadb", "indexdb"}

// update refreshes the entries of a partition. It skips parts that a merge
// removes meanwhile.
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

// days returns the listed partitions and their row counts.
func (m *manifest) days() map[string]int64 {
	days := map[string]int64{}
	for key, e := range m.parts {
		day, _, _ := strings.Cut(key, "/")
		days[day] += e.rows
	}
	return days
}

// readPart builds the entry of a part.
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

// indexFiles say where the rows of a part are. They are small, and a flipped
// bit in them makes the engine return wrong rows without an error.
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
		info, err := os.Stat(filepath.Join(dir, f.Name())) // follows a mirror's links
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
// nil, is called after every n bytes read; its error stops the hash.
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
