package vlogs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"bluetrail/internal/leftover"
)

// Limits on the columns that a store creates. The engine drops rows once a
// block would have more than 2,000 names; a block holds rows of one stream.
const (
	maxLearned  = 400     // names of a stream besides the fixed ones
	maxFreeForm = 40      // of those, names that end in a user-chosen key
	maxStreams  = 5_000   // streams with columns besides the fixed ones
	maxPlain    = 500     // further streams, of odd rows
	maxNames    = 500_000 // names of all streams together
	maxNameText = 8 << 20 // total bytes of the distinct names
)

// columnsFile lists the columns of each stream. It only grows. Its last line
// counts the others, so that truncation at the end of a line is noticed; the
// next write overwrites that line.
const columnsFile = "columns"

// columnSet tracks which columns the rows of each stream may have besides the
// fixed ones. A name is written to the file before a row that uses it reaches
// the engine, so that the limits hold across restarts, crashes and writers. It
// is safe for concurrent use.
type columnSet struct {
	dir string

	mu      sync.Mutex
	size    int64 // of the intact part of the file without its last line
	lines   int   // in size
	names   map[string]uint32
	text    int // bytes of names
	total   int // names across all streams
	streams map[string]*streamNames
	pending map[string][]string // streams and names that are not in the file yet
	frozen  bool                // nothing more is learned
	doubted bool                // the last line is damaged: by a crash before rows used it, or by something else
	frozeIn bool                // the file says it is frozen
	old     bool                // the file's version did not count lines
}

// streamNames are the columns of a stream.
type streamNames struct {
	key   string
	known map[uint32]struct{}
	free  int // free-form names in known
}

// columnsLine is a line of the file.
type columnsLine struct {
	Stream []string `json:"stream,omitempty"`
	Names  []string `json:"names,omitempty"`
	Begun  bool     `json:"begun,omitempty"` // the first line, written before there are rows
	Frozen bool     `json:"frozen,omitempty"`

	Counted bool `json:"counted,omitempty"` // in the first line: the last line has Lines
	Lines   int  `json:"lines,omitempty"`   // before this line
}

func newColumnSet(dir string) *columnSet {
	return &columnSet{dir: dir, names: map[string]uint32{}, streams: map[string]*streamNames{}, pending: map[string][]string{}}
}

// openColumns reads the file of a store; stored says whether the store has
// rows. A damaged last line was cut off by a crash before any row used it, and
// is dropped. If other lines are damaged or the file is missing, the store no
// longer knows all names that it uses, and learns no more until rebuildColumns.
func openColumns(dir string, stored bool) (*columnSet, error) {
	s := newColumnSet(dir)
	data, err := os.ReadFile(filepath.Join(dir, columnsFile))
	if errors.Is(err, fs.ErrNotExist) {
		if s.frozen = stored; stored {
			return s, nil
		}
		text, err := appendColumnsLine(nil, columnsLine{Begun: true, Counted: true})
		if err == nil {
			err = s.write(text, 1)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot write the list of columns: %w", err)
		}
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the list of columns: %w", err)
	}
	s.size = int64(len(data))
	begun, counted, ends := false, false, false
	for len(data) > 0 {
		text, rest, ended := bytes.Cut(data, []byte("\n"))
		line, ok := parseColumnsLine(text)
		if !ended || !ok && len(rest) == 0 {
			s.size -= int64(len(data))
			s.doubted = stored
			break
		}
		if ok && line.Lines > 0 && len(rest) == 0 {
			s.size -= int64(len(data))
			ends = line.Lines == s.lines
			break
		}
		data = rest
		s.lines++
		switch {
		case !ok, line.Lines > 0:
			s.frozen = true
		case line.Begun:
			begun, counted = true, line.Counted
		case line.Frozen:
			s.frozen, s.frozeIn = true, true
		default:
			if st := s.stream(strings.Join(line.Stream, several)); st != nil {
				for _, name := range line.Names {
					s.learn(st, name)
				}
			}
		}
	}
	s.frozen = s.frozen || stored && !begun
	s.doubted = s.doubted || stored && counted && !ends
	s.old = begun && !counted
	clear(s.pending)
	return s, nil
}

// parseColumnsLine parses a line without its newline: a checksum and JSON.
func parseColumnsLine(text []byte) (line columnsLine, ok bool) {
	sum, rest, found := bytes.Cut(text, []byte(" "))
	if !found || string(sum) != fmt.Sprintf("%08x", crc32.ChecksumIEEE(rest)) {
		return line, false
	}
	return line, json.Unmarshal(rest, &line) == nil
}

func appendColumnsLine(to []byte, line columnsLine) ([]byte, error) {
	data, err := json.Marshal(line)
	if err != nil {
		return nil, err
	}
	to = fmt.Appendf(to, "%08x ", crc32.ChecksumIEEE(data))
	return append(append(to, data...), '\n'), nil
}

// Stream returns the columns of the stream with the given values, which are
// separated by several. It is nil when there are too many streams.
func (s *columnSet) Stream(key string) *streamNames {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stream(key)
}

func (s *columnSet) stream(key string) *streamNames {
	st := s.streams[key]
	if st == nil && (len(s.streams) < maxStreams || len(s.streams) < maxStreams+maxPlain && strings.Count(key, several) == 1) {
		st = &streamNames{key: strings.Clone(key), known: map[uint32]struct{}{}}
		s.streams[st.key] = st
		s.pending[st.key] = nil
	}
	return st
}

// Names returns the columns of all streams; all is false when some stream may have
// had to leave out others.
func (s *columnSet) Names() (names []string, all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all = !s.frozen && len(s.streams) < maxStreams && s.total < maxNames
	for _, st := range s.streams {
		all = all && len(st.known) < maxLearned && st.free < maxFreeForm
	}
	for name := range s.names {
		names = append(names, name)
	}
	return names, all
}

// Take reports whether rows of a stream may have the named column.
func (s *columnSet) Take(st *streamNames, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, ok := s.names[name]
	if ok {
		if _, ok := st.known[id]; ok {
			return true
		}
	}
	if s.frozen || len(st.known) >= maxLearned || freeForm(name) && st.free >= maxFreeForm ||
		s.total >= maxNames || !ok && s.text+len(name) > maxNameText {
		return false
	}
	s.learn(st, name)
	return true
}

func (s *columnSet) learn(st *streamNames, name string) {
	id, ok := s.names[name]
	if !ok {
		name = strings.Clone(name)
		id = uint32(len(s.names))
		s.names[name] = id
		s.text += len(name)
	}
	if _, ok := st.known[id]; ok {
		return
	}
	st.known[id] = struct{}{}
	s.total++
	if freeForm(name) {
		st.free++
	}
	s.pending[st.key] = append(s.pending[st.key], name)
}

// Persist makes all taken names durable.
func (s *columnSet) Persist() (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var text []byte
	lines := len(s.pending)
	if s.frozen && !s.frozeIn {
		lines++
		if text, err = appendColumnsLine(text, columnsLine{Frozen: true}); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.pending)) {
		line := columnsLine{Stream: strings.Split(key, several), Names: s.pending[key]}
		if text, err = appendColumnsLine(text, line); err != nil {
			return err
		}
	}
	if len(text) == 0 {
		return nil
	}
	if err := s.write(text, lines); err != nil {
		return fmt.Errorf("cannot write the list of columns: %w", err)
	}
	s.frozeIn = s.frozen
	clear(s.pending)
	return nil
}

// write appends lines of text after the intact part of the file.
func (s *columnSet) write(text []byte, lines int) error {
	last, err := appendColumnsLine(nil, columnsLine{Lines: s.lines + lines})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(s.dir, columnsFile), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(append(text, last...), s.size)
	end := s.size + int64(len(text))
	err = errors.Join(err, f.Truncate(end+int64(len(last))))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if s.size == 0 {
		if err := syncDir(s.dir); err != nil {
			return err
		}
	}
	s.size = end
	s.lines += lines
	return nil
}

// rewrite replaces the file by one that lists everything.
func (s *columnSet) rewrite() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := appendColumnsLine(nil, columnsLine{Begun: true, Counted: true})
	if err != nil {
		return err
	}
	names := make([]string, len(s.names))
	for name, id := range s.names {
		names[id] = name
	}
	for _, key := range slices.Sorted(maps.Keys(s.streams)) {
		line := columnsLine{Stream: strings.Split(key, several)}
		for _, id := range slices.Sorted(maps.Keys(s.streams[key].known)) {
			line.Names = append(line.Names, names[id])
		}
		if text, err = appendColumnsLine(text, line); err != nil {
			return err
		}
	}
	s.size, s.lines = int64(len(text)), 1+len(s.streams)
	if text, err = appendColumnsLine(text, columnsLine{Lines: s.lines}); err != nil {
		return err
	}
	if err := leftover.ReplaceWith(s.dir, columnsFile, text); err != nil {
		return fmt.Errorf("cannot write the list of columns: %w", err)
	}
	clear(s.pending)
	s.old = false
	return nil
}

// freeFormMaps are record keys whose child keys users can choose.
var freeFormMaps = map[string]bool{
	"tags": true, "tagging": true, "encryptioncontext": true, "encryptioncontextequals": true, "encryptioncontextsubset": true,
	"metadata": true, "usermetadata": true, "labels": true, "annotations": true, "variables": true, "headers": true, "principaltags": true,
	"sessiontags": true, "expressionattributevalues": true, "expressionattributenames": true, "key": true, "item": true,
}

// freeForm reports whether part of a name is a user-chosen key. A wrong answer
// is harmless: such names only get less room.
func freeForm(name string) bool {
	if strings.Contains(name, "x-amz-meta-") || strings.Contains(name, "X-Amz-Meta-") {
		return true
	}
	rest := name
	for {
		part, behind, more := strings.Cut(rest, ".")
		if !more {
			return false
		}
		// Elements of an array have a kind of key: tags{}.key.
		if freeFormMaps[strings.ToLower(part)] && rest != name {
			return true
		}
		rest = behind
	}
}
