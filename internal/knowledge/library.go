package knowledge

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"

	"github.com/cespare/xxhash/v2"
)

// Library caches the contents of folders for the searches of a long-lived
// process. It is safe for concurrent use.
type Library struct {
	mu     sync.Mutex
	sets   map[string]*set // by the names of the folders
	clock  int64
	tables *Tables
}

// maxSets limits the lists of folders that a Library caches.
const maxSets = 8

// set is the cached contents of some folders, valid while their files are
// unchanged.
type set struct {
	stamp uint64
	used  int64

	macros      func() (map[macroKey]syntax.Macro, []error)
	defs        func() (map[string]*definition, []error)
	saved       func() (map[string]string, []error)
	txns        func() (map[string]map[string]string, []error)
	classes     func() (*classes, []error)
	extractions func() (map[string]exec.Extraction, []error)
}

// Open is Open for one search. It rereads files only if one was changed, added
// or removed.
func (l *Library) Open(dirs ...string) (*Knowledge, error) {
	k, err := OpenShared(l.lookups(), dirs...)
	if err != nil {
		return k, err
	}
	s := l.set(dirs)
	k.macros = part(k, s.macros)
	k.defs = part(k, s.defs)
	k.saved = part(k, s.saved)
	k.txns = part(k, s.txns)
	k.classes = part(k, s.classes)
	k.extractions = part(k, s.extractions)
	return k, nil
}

// lookups returns the tables that all Knowledges of the Library share.
func (l *Library) lookups() *Tables {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tables == nil {
		l.tables = NewTables(CacheBytes)
	}
	return l.tables
}

// part returns a part of a set to a Knowledge, with its problems.
func part[T any](k *Knowledge, of func() (T, []error)) func() T {
	return sync.OnceValue(func() T {
		v, problems := of()
		k.problem(problems...)
		return v
	})
}

func (l *Library) set(dirs []string) *set {
	name, stamp := strings.Join(dirs, "\x00"), stampOf(dirs)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clock++
	s := l.sets[name]
	if s == nil || s.stamp != stamp {
		s = newSet(dirs, stamp)
		if l.sets == nil {
			l.sets = map[string]*set{}
		}
		l.sets[name] = s
	}
	s.used = l.clock
	for len(l.sets) > maxSets {
		oldest := name
		for n, s := range l.sets {
			if s.used < l.sets[oldest].used {
				oldest = n
			}
		}
		delete(l.sets, oldest)
	}
	return s
}

func newSet(dirs []string, stamp uint64) *set {
	return &set{
		stamp:       stamp,
		macros:      reading(dirs, (*Knowledge).loadMacros),
		defs:        reading(dirs, (*Knowledge).loadDefinitions),
		saved:       reading(dirs, (*Knowledge).loadSaved),
		txns:        reading(dirs, (*Knowledge).loadTransactions),
		classes:     reading(dirs, (*Knowledge).loadClasses),
		extractions: reading(dirs, (*Knowledge).loadExtractions),
	}
}

// reading reads a part of folders once.
func reading[T any](dirs []string, load func(*Knowledge) T) func() (T, []error) {
	return sync.OnceValues(func() (T, []error) {
		k, err := Open(dirs...)
		if err != nil {
			k.problem(err)
		}
		v := load(k)
		return v, k.Problems()
	})
}

// stampOf returns a fingerprint of the current files of folders. Lookups have
// their own.
func stampOf(dirs []string) uint64 {
	h := xxhash.New()
	note := func(path string, info fs.FileInfo, err error) {
		if err != nil {
			fmt.Fprintf(h, "%q -\n", path)
			return
		}
		fmt.Fprintf(h, "%q %v %d %d\n", path, info.Mode(), info.Size(), info.ModTime().UnixNano())
		if id := inode(info); id != 0 { // editors replace a file with a new one
			h.Write(binary.LittleEndian.AppendUint64(nil, id))
		}
	}
	for _, dir := range dirs {
		for _, layer := range layers {
			for _, conf := range confs {
				path := filepath.Join(dir, layer, conf)
				info, err := os.Stat(path)
				note(path, info, err)
			}
		}
		for _, sub := range yamlFolders {
			entries, err := os.ReadDir(filepath.Join(dir, sub))
			if err != nil {
				note(sub, nil, err)
			}
			for _, e := range entries {
				if !isYAML(e) {
					continue
				}
				path := filepath.Join(dir, sub, e.Name())
				info, err := os.Stat(path)
				note(path, info, err)
			}
		}
	}
	return h.Sum64()
}
