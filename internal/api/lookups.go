package api

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/auth"
	"bluetrail/internal/exposure"
	"bluetrail/internal/leftover"
	"bluetrail/internal/state"
)

func (s *Server) tableRoutes() []route {
	return []route{
		{"GET /api/v1/lists", auth.Viewer, s.listLists},
		{"GET /api/v1/lists/{name}", auth.Viewer, s.getList},
		{"PUT /api/v1/lists/{name}", auth.Engineer, s.putList},
		{"GET /api/v1/lists/{name}/export", auth.Viewer, s.exportList},
		{"POST /api/v1/lists/{name}/import", auth.Engineer, s.importList},
		{"GET /api/v1/lists/{name}/versions", auth.Viewer, s.listVersions},
		{"GET /api/v1/lists/{name}/versions/{version}", auth.Viewer, s.listVersion},
		{"GET /api/v1/lookups", auth.Viewer, s.listLookups},
		{"GET /api/v1/lookups/{name}", auth.Viewer, s.getLookup},
		{"PUT /api/v1/lookups/{name}", auth.Engineer, s.putLookup},
		{"DELETE /api/v1/lookups/{name}", auth.Engineer, s.deleteLookup},
		{"GET /api/v1/lookups/{name}/export", auth.Viewer, s.exportLookup},
		{"POST /api/v1/lookups/{name}/import", auth.Engineer, s.importLookup},
		{"GET /api/v1/lookups/{name}/versions", auth.Viewer, s.lookupVersions},
		{"GET /api/v1/lookups/{name}/versions/{version}", auth.Viewer, s.lookupVersion},
	}
}

// lookupKind is the kind of documents that are versions of lookups.
const lookupKind = "lookup"

// maxTable bounds a table that is read or written here, in bytes.
const maxTable = state.MaxDocument

// tableName is the form of names of lookups that are written here.
var tableName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.csv$`)

// table is a file of rows.
type table struct {
	columns []string
	rows    [][]string
	raw     []byte
}

// parseCSV reads rows, whose first names the columns.
func parseCSV(raw []byte) (*table, error) {
	c := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff"))))
	c.FieldsPerRecord = -1
	c.LazyQuotes = true
	t := &table{raw: raw}
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if t.columns == nil {
			t.columns = row
			continue
		}
		for len(row) < len(t.columns) {
			row = append(row, "")
		}
		t.rows = append(t.rows, row[:len(t.columns)])
	}
	if len(t.columns) == 0 {
		return nil, errors.New("the first line must name the columns")
	}
	return t, nil
}

// parseLines reads a list of one value a line.
func parseLines(raw []byte) *table {
	t := &table{columns: []string{"entry"}, raw: raw}
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			t.rows = append(t.rows, []string{line})
		}
	}
	return t
}

func readTable(path string) (*table, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxTable {
		return nil, unprocessable("too_large", "%s is larger than %d MiB", filepath.Base(path), maxTable>>20)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(filepath.Ext(path), ".csv") {
		t, err := parseCSV(raw)
		if err != nil {
			return nil, unprocessable("unreadable", "%s: %v", filepath.Base(path), err)
		}
		return t, nil
	}
	return parseLines(raw), nil
}

// answerTable answers with the rows of a table that contain a text.
func (s *Server) answerTable(w http.ResponseWriter, r *http.Request, name string, t *table, editable bool, version int64) error {
	limit, from, err := pageOf(r)
	if err != nil {
		return err
	}
	rows := t.rows
	if text := strings.ToLower(r.FormValue("q")); text != "" {
		rows = nil
		for _, row := range t.rows {
			if strings.Contains(strings.ToLower(strings.Join(row, "\n")), text) {
				rows = append(rows, row)
			}
		}
	}
	return ok(w, struct {
		list[[]string]
		Name     string   `json:"name"`
		Columns  []string `json:"columns"`
		Editable bool     `json:"editable"`
		Version  int64    `json:"version"`
	}{cut(rows, limit, from), name, texts(t.columns), editable, version})
}

type tableInfo struct {
	Name     string     `json:"name"`
	Columns  []string   `json:"columns"`
	Rows     int        `json:"rows"`
	Bytes    int64      `json:"bytes"`
	Editable bool       `json:"editable"`
	Version  int64      `json:"version"`
	Modified *time.Time `json:"modified,omitempty"`
	Origin   string     `json:"origin,omitempty"`
	By       string     `json:"written_by,omitempty"`
	Problem  string     `json:"problem,omitempty"`
}

// lookupDir is where lookups are written.
func (s *Server) lookupDir() string {
	return filepath.Join(s.cfg.Product.Data, "knowledge", "lookups")
}

// lookupFile is where a lookup lies.
type lookupFile struct {
	name, path string
	own        bool
	info       fs.FileInfo
}

// lookupFiles returns the files of lookups: the last folder that has a name wins, as in
// searches.
func (s *Server) lookupFiles() ([]lookupFile, error) {
	var dirs []string
	if c := s.cfg.Product.Config; c != nil {
		for _, dir := range c.Knowledge {
			dirs = append(dirs, filepath.Join(dir, "lookups"))
		}
	}
	dirs = append(dirs, s.lookupDir())
	all := map[string]lookupFile{}
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			name := e.Name()
			if ext := strings.ToLower(filepath.Ext(name)); strings.HasPrefix(name, ".") || ext != ".csv" && ext != ".txt" {
				continue
			}
			info, err := e.Info()
			if err != nil || !info.Mode().IsRegular() {
				continue
			}
			all[name] = lookupFile{name, filepath.Join(dir, name), dir == s.lookupDir(), info}
		}
	}
	list := make([]lookupFile, 0, len(all))
	for _, f := range all {
		list = append(list, f)
	}
	slices.SortFunc(list, func(x, y lookupFile) int { return cmp.Compare(x.name, y.name) })
	return list, nil
}

func (s *Server) findLookup(name string) (*lookupFile, error) {
	all, err := s.lookupFiles()
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].name == name || all[i].name == name+".csv" {
			return &all[i], nil
		}
	}
	return nil, notFound("lookup", name)
}

// lastVersion returns the last version of a document, 0 = there is none.
func (s *Server) lastVersion(kind, id string) (int64, error) {
	all, err := s.cfg.Product.State.DocumentVersions(kind, id)
	if err != nil || len(all) == 0 || all[0].Gone {
		return 0, err
	}
	return all[0].Version, nil
}

// describeLookup says how a lookup is.
func (s *Server) describeLookup(f *lookupFile) (x tableInfo, err error) {
	x = tableInfo{Name: f.name, Columns: []string{}, Bytes: f.info.Size(), Editable: f.own || tableName.MatchString(f.name), Modified: timeOf(f.info.ModTime()), Origin: "configured"}
	if f.own {
		x.Origin = "own"
	}
	if f.name == exposure.LookupName {
		x.By, x.Editable = "bluetrail, from what security groups and network ACLs let in", false
	}
	t, bad := readTable(f.path)
	if bad != nil {
		x.Problem = bad.Error()
	} else {
		x.Columns, x.Rows = texts(t.columns), len(t.rows)
	}
	x.Version, err = s.lastVersion(lookupKind, f.name)
	return x, err
}

func (s *Server) listLookups(w http.ResponseWriter, r *http.Request) error {
	all, err := s.lookupFiles()
	if err != nil {
		return err
	}
	out := []tableInfo{}
	for i := range all {
		x, err := s.describeLookup(&all[i])
		if err != nil {
			return err
		}
		out = append(out, x)
	}
	return ok(w, listOf(out))
}

func (s *Server) getLookup(w http.ResponseWriter, r *http.Request) error {
	f, err := s.findLookup(r.PathValue("name"))
	if err != nil {
		return err
	}
	t, err := readTable(f.path)
	if err != nil {
		return err
	}
	version, err := s.lastVersion(lookupKind, f.name)
	if err != nil {
		return err
	}
	return s.answerTable(w, r, f.name, t, f.name != exposure.LookupName && tableName.MatchString(f.name), version)
}

type putTable struct {
	Columns []string   `json:"columns"`
	Items   [][]string `json:"items"`
	Version *int64     `json:"version"`
	Note    string     `json:"note"`
}

// csv returns the table as a file.
func (p *putTable) csv() ([]byte, error) {
	if len(p.Columns) == 0 {
		return nil, badRequest("a table needs a column")
	}
	seen := map[string]bool{}
	for _, c := range p.Columns {
		if strings.TrimSpace(c) == "" || seen[c] {
			return nil, badRequest("the column %q is empty or occurs twice", c)
		}
		seen[c] = true
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.Write(p.Columns); err != nil {
		return nil, err
	}
	for i, row := range p.Items {
		if len(row) != len(p.Columns) {
			return nil, badRequest("row %d has %d cells; there are %d columns", i+1, len(row), len(p.Columns))
		}
		if len(row) == 1 && row[0] == "" {
			continue // would be no line
		}
		if err := w.Write(row); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

func (s *Server) putLookup(w http.ResponseWriter, r *http.Request) error {
	var p putTable
	if err := decodeLarge(w, r, &p); err != nil {
		return err
	}
	raw, err := p.csv()
	if err != nil {
		return err
	}
	was, err := (&putSource{Version: p.Version, Note: p.Note}).was()
	if err != nil {
		return err
	}
	return s.saveLookup(w, r, raw, was, p.Note)
}

func (s *Server) importLookup(w http.ResponseWriter, r *http.Request) error {
	raw, was, err := imported(w, r)
	if err != nil {
		return err
	}
	if _, err := parseCSV(raw); err != nil {
		return unprocessable("unreadable", "this is not CSV: %v", err)
	}
	return s.saveLookup(w, r, raw, was, "imported")
}

// imported returns a table that is sent, and the version that it replaces; -1 = any.
func imported(w http.ResponseWriter, r *http.Request) (raw []byte, was int64, err error) {
	was = -1
	if text := r.URL.Query().Get("version"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return nil, 0, badRequest("version=%q is not a version", text)
		}
		was = n
	}
	raw, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxTable))
	return raw, was, err
}

// saveLookup writes a lookup of the data directory and keeps what was there before.
func (s *Server) saveLookup(w http.ResponseWriter, r *http.Request, raw []byte, was int64, note string) error {
	name := r.PathValue("name")
	switch {
	case !tableName.MatchString(name):
		return badRequest("%q cannot name a lookup: use letters, digits, dots, dashes and underscores, and .csv at the end", name)
	case name == exposure.LookupName:
		return unprocessable("written_by_itself", "bluetrail writes %s by itself", name)
	case len(raw) > maxTable:
		return unprocessable("too_large", "the table is larger than %d MiB", maxTable>>20)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	err := s.keepTable(r, lookupKind, name, filepath.Join(s.lookupDir(), name), raw, was, note)
	if err != nil {
		return err
	}
	f, err := s.findLookup(name)
	if err != nil {
		return err
	}
	x, err := s.describeLookup(f)
	if err != nil {
		return err
	}
	return ok(w, x)
}

// keepTable writes a file and its version. A file that was there before anything was
// written here becomes the version before.
func (s *Server) keepTable(r *http.Request, kind, name, path string, raw []byte, was int64, note string) error {
	last, err := s.lastVersion(kind, name)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.Size() > maxTable {
		e := unprocessable("too_large", "what %s holds now is larger than %d MiB, and could not be kept as a version", name, maxTable>>20)
		e.Hint = "move the file away first"
		return e
	}
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	keep := last == 0 && err == nil
	err = s.cfg.Product.State.Write(func(tx *state.Tx) error {
		if was >= 0 && was != last {
			return state.ErrVersion
		}
		if keep {
			if err := tx.PutDocument(&state.Document{Kind: kind, ID: name, Who: state.Bluetrail, Note: "as it was before it was changed here", Body: before}, -1); err != nil {
				return err
			}
		}
		return tx.PutDocument(&state.Document{Kind: kind, ID: name, Who: user(r), Note: note, Body: raw}, -1)
	})
	if errors.Is(err, state.ErrVersion) {
		return conflict("the table")
	}
	if err == nil {
		err = leftover.ReplaceWith(filepath.Dir(path), filepath.Base(path), raw)
	}
	if err == nil {
		err = s.audit(r, "saved", kind, name, cmp.Or(note, fmt.Sprintf("%d bytes", len(raw))))
	}
	return err
}

func (s *Server) deleteLookup(w http.ResponseWriter, r *http.Request) error {
	f, err := s.findLookup(r.PathValue("name"))
	if err != nil {
		return err
	}
	if !f.own || f.name == exposure.LookupName {
		return unprocessable("not_own", "the lookup %q is not one of the data directory's own", f.name)
	}
	if f.info.Size() > maxTable {
		return unprocessable("too_large", "%s is larger than %d MiB, and could not be kept as a version", f.name, maxTable>>20)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	before, err := os.ReadFile(f.path)
	if err != nil {
		return err
	}
	last, err := s.lastVersion(lookupKind, f.name)
	if err != nil {
		return err
	}
	err = s.cfg.Product.State.Write(func(tx *state.Tx) error {
		if last == 0 {
			if err := tx.PutDocument(&state.Document{Kind: lookupKind, ID: f.name, Who: state.Bluetrail, Note: "as it was before it was removed", Body: before}, -1); err != nil {
				return err
			}
		}
		return tx.PutDocument(&state.Document{Kind: lookupKind, ID: f.name, Who: user(r), Gone: true}, -1)
	})
	if err == nil {
		err = os.Remove(f.path)
	}
	if err == nil {
		err = s.audit(r, "removed", lookupKind, f.name, "")
	}
	if err != nil {
		return err
	}
	return none(w)
}

func (s *Server) exportLookup(w http.ResponseWriter, r *http.Request) error {
	f, err := s.findLookup(r.PathValue("name"))
	if err != nil {
		return err
	}
	t, err := readTable(f.path)
	if err != nil {
		return err
	}
	return s.sendTable(w, r, lookupKind, f.name, t)
}

// sendTable answers with a table as a file: as it is stored, or as CSV when it is in no file.
func (s *Server) sendTable(w http.ResponseWriter, r *http.Request, kind, name string, t *table) error {
	raw := t.raw
	if raw == nil {
		var b bytes.Buffer
		c := csv.NewWriter(&b)
		c.Write(t.columns)
		if err := c.WriteAll(t.rows); err != nil {
			return err
		}
		raw = b.Bytes()
		if !strings.HasSuffix(name, ".csv") {
			name += ".csv"
		}
	}
	if err := s.audit(r, "exported", kind, name, ""); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+strings.Map(func(c rune) rune {
		if c < ' ' || c == '"' || c == '\\' || c > '~' {
			return '_'
		}
		return c
	}, name)+`"`)
	w.Write(raw) // an error means that the client is gone
	return nil
}

func (s *Server) lookupVersions(w http.ResponseWriter, r *http.Request) error {
	return s.versions(w, lookupKind, r.PathValue("name"))
}

func (s *Server) lookupVersion(w http.ResponseWriter, r *http.Request) error {
	return s.version(w, r, lookupKind, r.PathValue("name"))
}

// sortRows sorts rows by their first cell.
func sortRows(rows [][]string) {
	slices.SortFunc(rows, func(x, y []string) int { return cmp.Compare(x[0], y[0]) })
}
