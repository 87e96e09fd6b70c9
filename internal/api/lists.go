package api

import (
	"bytes"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"bluetrail/internal/enrich"
	addresses "bluetrail/internal/enrich/list"
)

// listKind is the kind of documents that are versions of lists.
const listKind = "list"

// allowName and accountsName are the names under which allow-lists and accounts are shown.
const (
	allowName    = "allow-list"
	accountsName = "accounts"
)

type listInfo struct {
	Name     string     `json:"name"`
	Kind     string     `json:"kind"`
	From     string     `json:"from"`
	Lookup   string     `json:"lookup,omitempty"`
	About    string     `json:"about,omitempty"`
	State    string     `json:"state"`
	Entries  int        `json:"entries"`
	Expired  int        `json:"expired,omitempty"`
	Others   int        `json:"others,omitempty"`
	Of       *time.Time `json:"of,omitempty"`
	Checked  *time.Time `json:"checked,omitempty"`
	Kept     bool       `json:"kept,omitempty"`
	Problem  string     `json:"problem,omitempty"`
	Editable bool       `json:"editable"`
}

func describeList(h *addresses.Held, now time.Time) listInfo {
	x := listInfo{Name: h.Name, Kind: "addresses", From: "file", Lookup: h.Lookup, State: "fine", Of: timeOf(h.Of), Checked: timeOf(h.Checked), Kept: h.Kept, Editable: isTable(h)}
	switch {
	case h.URL != "":
		x.From = "url"
	case h.Lookup != "":
		x.From = "lookup"
	}
	if h.List != nil {
		x.Entries, x.Expired, x.Others = h.List.Entries, h.List.Expired, h.List.Others
		if err := h.List.Faults.Err(); err != nil {
			x.About = err.Error()
		}
	}
	switch {
	case h.List == nil && h.Lookup != "":
		x.State = "pending"
	case h.Err != nil:
		x.State, x.Problem = "broken", h.Err.Error()
	case h.Stale(now):
		x.State = "stale"
	}
	return x
}

func (s *Server) listLists(w http.ResponseWriter, r *http.Request) error {
	out := []listInfo{}
	if l := s.cfg.Product.Lists; l != nil {
		st, now := l.Status(), time.Now()
		for _, h := range st.Lists {
			out = append(out, describeList(h, now))
		}
		if len(st.Allow) > 0 {
			x := listInfo{Name: allowName, Kind: "allow", From: "configuration", State: "fine", Entries: len(st.Allow)}
			for _, e := range st.Allow {
				if e.Expired(now) {
					x.Expired++
				}
			}
			out = append(out, x)
		}
		if st.Accounts > 0 {
			out = append(out, listInfo{Name: accountsName, Kind: "accounts", From: "configuration", State: "fine", Entries: st.Accounts})
		}
		for _, p := range st.Problems {
			out = append(out, listInfo{Name: filepath.Base(p.Path), Kind: map[string]string{"accounts": "accounts", "allow-list": "allow"}[p.What], From: "file", State: "broken", Problem: p.Err.Error()})
		}
	}
	return ok(w, listOf(out))
}

// heldList returns a list of the configuration.
func (s *Server) heldList(name string) (*addresses.Held, error) {
	if l := s.cfg.Product.Lists; l != nil {
		for _, h := range l.Status().Lists {
			if h.Name == name {
				return h, nil
			}
		}
	}
	return nil, notFound("list", name)
}

// listFile returns where a list is read from.
func (s *Server) listFile(h *addresses.Held) (string, error) {
	if h.Lookup == "" {
		return h.File, nil
	}
	f, err := s.findLookup(h.Lookup)
	if err != nil {
		return "", err
	}
	return f.path, nil
}

// listTable returns the rows of a list; held is nil for one of the configuration alone.
func (s *Server) listTable(name string) (t *table, held *addresses.Held, err error) {
	switch name {
	case allowName:
		t = &table{columns: []string{"actors", "addresses", "rules", "reason", "owner", "expires"}}
		for _, a := range enrich.Current().Allow {
			var actors, addresses []string
			for _, re := range a.Actors {
				actors = append(actors, strings.NewReplacer(`(?s)^`, "", `.*`, "*", `\`, "", "$", "").Replace(re.String()))
			}
			for _, p := range a.Addresses {
				addresses = append(addresses, p.String())
			}
			expires := ""
			if !a.Expires.IsZero() {
				expires = a.Expires.UTC().Format(time.RFC3339)
			}
			t.rows = append(t.rows, []string{strings.Join(actors, " "), strings.Join(addresses, " "), strings.Join(a.Rules, " "), a.Reason, a.Owner, expires})
		}
		return t, nil, nil
	case accountsName:
		t = &table{columns: []string{"id", "name", "owner", "environment", "critical"}}
		for _, a := range enrich.Current().Accounts {
			critical := ""
			if a.Critical {
				critical = "true"
			}
			t.rows = append(t.rows, []string{a.ID, a.Name, a.Owner, a.Environment, critical})
		}
		sortRows(t.rows)
		return t, nil, nil
	}
	if held, err = s.heldList(name); err != nil {
		return nil, nil, err
	}
	if !isTable(held) {
		return entriesOf(held.List), held, nil
	}
	path, err := s.listFile(held)
	if err != nil {
		return nil, nil, err
	}
	t, err = readTable(path)
	return t, held, err
}

func (s *Server) getList(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	t, held, err := s.listTable(name)
	if err != nil {
		return err
	}
	if held == nil || !isTable(held) {
		return s.answerTable(w, r, name, t, false, 0)
	}
	version, err := s.lastVersion(listKind, name)
	if err != nil {
		return err
	}
	return s.answerTable(w, r, name, t, true, version)
}

func (s *Server) exportList(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	t, _, err := s.listTable(name)
	if err != nil {
		return err
	}
	return s.sendTable(w, r, listKind, name, t)
}

// isTable reports whether a list has rows that can be edited.
func isTable(h *addresses.Held) bool {
	return h.URL == "" && (h.List == nil || h.List.Format == addresses.Plain || h.List.Format == addresses.CSV)
}

// shownEntries bounds the entries of a list that are shown.
const shownEntries = 100_000

// entriesOf returns what was read of a list; nil = nothing yet.
func entriesOf(l *addresses.List) *table {
	t := &table{columns: []string{"entry", "reason"}}
	if l == nil {
		return t
	}
	for p, reason := range l.All() {
		if len(t.rows) == shownEntries {
			break
		}
		entry := p.String()
		if p.IsSingleIP() {
			entry = p.Addr().String()
		}
		t.rows = append(t.rows, []string{entry, reason})
	}
	return t
}

func (s *Server) putList(w http.ResponseWriter, r *http.Request) error {
	var p putTable
	if err := decodeLarge(w, r, &p); err != nil {
		return err
	}
	was, err := (&putSource{Version: p.Version, Note: p.Note}).was()
	if err != nil {
		return err
	}
	h, path, err := s.editableList(r.PathValue("name"))
	if err != nil {
		return err
	}
	raw, err := p.csv()
	if err != nil {
		return err
	}
	if !strings.EqualFold(filepath.Ext(path), ".csv") { // a value a line
		if len(p.Columns) != 1 {
			return badRequest("the list %q has one column", h.Name)
		}
		var b bytes.Buffer
		for _, row := range p.Items {
			if strings.ContainsAny(row[0], "\r\n") {
				return badRequest("an entry of the list must be one line")
			}
			b.WriteString(row[0] + "\n")
		}
		raw = b.Bytes()
	}
	return s.saveList(w, r, h, path, raw, was, p.Note)
}

func (s *Server) importList(w http.ResponseWriter, r *http.Request) error {
	h, path, err := s.editableList(r.PathValue("name"))
	if err != nil {
		return err
	}
	raw, was, err := imported(w, r)
	if err != nil {
		return err
	}
	if strings.EqualFold(filepath.Ext(path), ".csv") {
		if _, err := parseCSV(raw); err != nil {
			return unprocessable("unreadable", "this is not CSV: %v", err)
		}
	}
	return s.saveList(w, r, h, path, raw, was, "imported")
}

// editableList returns a list that can be changed here, and its file.
func (s *Server) editableList(name string) (*addresses.Held, string, error) {
	h, err := s.heldList(name)
	if err != nil {
		return nil, "", err
	}
	if !isTable(h) {
		e := unprocessable("not_editable", "the list %q is fetched from elsewhere, or is not a table", name)
		e.Hint = "add a list of your own to the configuration, from a file or a lookup"
		return nil, "", e
	}
	path, err := s.listFile(h)
	return h, path, err
}

// saveList writes the file of a list, keeps what was there before, and loads the list again.
func (s *Server) saveList(w http.ResponseWriter, r *http.Request, h *addresses.Held, path string, raw []byte, was int64, note string) error {
	name := h.Name
	if len(raw) > maxTable {
		return unprocessable("too_large", "the list is larger than %d MiB", maxTable>>20)
	}
	if _, err := addresses.Parse(raw, h.Options); err != nil {
		return unprocessable("bad_list", "this cannot be a list of addresses: %v", err)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.keepTable(r, listKind, name, path, raw, was, note); err != nil {
		return err
	}
	if err := s.cfg.Product.Lists.Reload(); err != nil {
		return err
	}
	t, err := readTable(path)
	if err != nil {
		return err
	}
	version, err := s.lastVersion(listKind, name)
	if err != nil {
		return err
	}
	return ok(w, tableInfo{Name: name, Columns: texts(t.columns), Rows: len(t.rows), Bytes: int64(len(raw)), Editable: true, Version: version, Modified: timeOf(time.Now())})
}

func (s *Server) listVersion(w http.ResponseWriter, r *http.Request) error {
	return s.version(w, r, listKind, r.PathValue("name"))
}

func (s *Server) listVersions(w http.ResponseWriter, r *http.Request) error {
	return s.versions(w, listKind, r.PathValue("name"))
}
