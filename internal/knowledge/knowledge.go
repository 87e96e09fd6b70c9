// Package knowledge reads what an app provides besides searches: macros and
// lookups, from Splunk's .conf and .csv files and the YAML files of the
// published content.
package knowledge

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
)

// maxText limits the size of a file of macros or definitions.
const maxText = 8 << 20

// Knowledge is the macros and lookups of some folders. It is safe for
// concurrent use. It reads files on demand.
type Knowledge struct {
	dirs []string
	own  string // see Keeping
	last string // see WritingTo

	macros  func() map[macroKey]syntax.Macro
	defs    func() map[string]*definition
	saved   func() map[string]string
	txns    func() map[string]map[string]string
	classes func() *classes

	extractions func() map[string]exec.Extraction

	mu       sync.Mutex
	problems []error
	tables   *Tables
}

var (
	_ syntax.Macros  = (*Knowledge)(nil)
	_ exec.Knowledge = (*Knowledge)(nil)
)

// Open registers the folders. If several define the same name, the later folder
// wins, and within a folder local/ wins over default/. The error names folders
// that cannot be read; broken files in them are skipped and listed by Problems.
func Open(dirs ...string) (*Knowledge, error) {
	return OpenShared(NewTables(CacheBytes), dirs...)
}

// OpenShared is Open with tables shared with other Knowledges.
func OpenShared(tables *Tables, dirs ...string) (*Knowledge, error) {
	k := &Knowledge{dirs: dirs, tables: tables}
	var bad []error
	for _, dir := range dirs {
		if _, err := os.ReadDir(dir); err != nil {
			bad = append(bad, fmt.Errorf("cannot open knowledge folder %q: %w", dir, err))
		}
	}
	k.macros = sync.OnceValue(k.loadMacros)
	k.defs = sync.OnceValue(k.loadDefinitions)
	k.saved = sync.OnceValue(k.loadSaved)
	k.txns = sync.OnceValue(k.loadTransactions)
	k.classes = sync.OnceValue(k.loadClasses)
	k.extractions = sync.OnceValue(k.loadExtractions)
	return k, errors.Join(bad...)
}

// Keeping makes a folder the place of all lookups that are written, and the first in
// which they are looked for, whatever folder defines them. It is called before k is
// used.
func (k *Knowledge) Keeping(dir string) { k.own = dir }

// WritingTo names the folder for lookups that are written if there is no other. It is
// called before k is used.
func (k *Knowledge) WritingTo(dir string) { k.last = dir }

// Check reads all macros, definitions, saved searches, event types and
// extractions, so that Problems is complete except for the contents of lookups.
func (k *Knowledge) Check() {
	k.macros()
	k.defs()
	k.saved()
	k.txns()
	k.classes()
	k.extractions()
}

// Problems returns what could not be read so far, with file and line.
func (k *Knowledge) Problems() []error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.problems)
}

func (k *Knowledge) problem(errs ...error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.problems = append(k.problems, errs...)
}

// layers are the locations of a .conf file in a folder, lowest precedence
// first.
var layers = []string{"", "default", "local"}

// The .conf files and the folders of YAML files that are read.
var (
	confs       = []string{"macros.conf", "transforms.conf", "savedsearches.conf", "transactiontypes.conf", "eventtypes.conf", "tags.conf"}
	yamlFolders = []string{"macros", "lookups"}
)

// eachStanza calls fn for the stanzas of the named .conf file of every folder,
// with the settings of local/ overriding those of default/.
func (k *Knowledge) eachStanza(conf string, fn func(dir, file string, s *stanza) error) {
	if !slices.Contains(confs, conf) {
		panic("knowledge: a change of " + conf + " would go unnoticed")
	}
	for _, dir := range k.dirs {
		merged := map[string]*stanza{}
		from := map[string]string{}
		for _, layer := range layers {
			file := filepath.Join(dir, layer, conf)
			text, err := readText(file)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				k.problem(fmt.Errorf("cannot read %q: %w", file, err))
				continue
			}
			list, problems := parseConf(file, text)
			k.problem(problems...)
			for _, s := range list {
				if old := merged[s.name]; old != nil {
					maps.Copy(old.settings, s.settings)
				} else {
					merged[s.name] = s
				}
				from[s.name] = file
			}
		}
		for _, name := range slices.Sorted(maps.Keys(merged)) {
			if err := fn(dir, from[name], merged[name]); err != nil {
				k.problem(fmt.Errorf("%s: [%s]: %w", from[name], name, err))
			}
		}
	}
}

// eachYAML calls fn for the text of every .yml file in a subfolder of every
// folder, by name.
func (k *Knowledge) eachYAML(sub string, fn func(dir, file string, text []byte) error) {
	if !slices.Contains(yamlFolders, sub) {
		panic("knowledge: a change in " + sub + " would go unnoticed")
	}
	for _, dir := range k.dirs {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			k.problem(fmt.Errorf("cannot read folder: %w", err))
		}
		for _, e := range entries {
			if !isYAML(e) {
				continue
			}
			file := filepath.Join(dir, sub, e.Name())
			text, err := readText(file)
			if err == nil {
				err = fn(dir, file, []byte(text))
			}
			if err != nil {
				k.problem(fmt.Errorf("cannot read %q: %w", file, err))
			}
		}
	}
}

func isYAML(e fs.DirEntry) bool {
	ext := strings.ToLower(filepath.Ext(e.Name()))
	return !e.IsDir() && (ext == ".yml" || ext == ".yaml")
}

// inode returns a file's inode number, 0 = none.
func inode(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Ino)
	}
	return 0
}

// readText reads a whole text file of at most maxText bytes, without the UTF-8
// byte order mark that some editors write.
func readText(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err == nil && len(data) > maxText {
		err = fmt.Errorf("the file is larger than %d MiB", maxText>>20)
	}
	return strings.TrimPrefix(string(data), "\ufeff"), err
}
