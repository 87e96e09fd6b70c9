package knowledge

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"bluetrail/internal/lookup"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/yamldoc"

	"github.com/goccy/go-yaml"
)

// definition holds a lookup's name and how its keys match. The rows are in a
// file of the folder's lookups/.
type definition struct {
	dir     string
	file    string // its name in lookups/
	columns []string
	filter  string
	virtual bool         // a KV store: the file is created on the first write
	table   lookup.Table // without columns and rows
}

func (k *Knowledge) loadDefinitions() map[string]*definition {
	all := map[string]*definition{}
	k.eachYAML("lookups", func(dir, file string, text []byte) error {
		d, err := definitionFromYAML(file, text)
		if err == nil {
			d.dir = dir
			all[d.table.Name] = d
		}
		return err
	})
	k.eachStanza("transforms.conf", func(dir, _ string, s *stanza) error {
		if !isLookup(s) {
			return nil // a field extraction
		}
		d, err := newDefinition(s.name, s.settings)
		if err == nil {
			d.dir = dir
			all[d.table.Name] = d
		}
		return err
	})
	return all
}

func isLookup(s *stanza) bool {
	for _, key := range []string{"filename", "collection", "external_type", "external_cmd"} {
		if s.settings[key] != "" {
			return true
		}
	}
	return false
}

// newDefinition reads the settings of transforms.conf.
func newDefinition(name string, set map[string]string) (*definition, error) {
	d := &definition{file: set["filename"], filter: set["filter"]}
	t := &d.table
	t.Name = name
	t.IgnoreCase = !Truth(set["case_sensitive_match"], true)
	t.DefaultMatch = set["default_match"]
	t.TimeField, t.TimeFormat = set["time_field"], set["time_format"]
	if t.TimeFormat == "" {
		t.TimeFormat = "%s.%Q"
	}
	t.MaxOffsetSecs = 2000000000
	for _, n := range []struct {
		key  string
		dst  *int
		high int
	}{{"max_matches", &t.MaxMatches, 1000}, {"min_matches", &t.MinMatches, 1000}, {"max_offset_secs", &t.MaxOffsetSecs, 1 << 31}, {"min_offset_secs", &t.MinOffsetSecs, 1 << 31}} {
		text := strings.TrimSpace(set[n.key])
		if text == "" {
			continue
		}
		v, err := strconv.Atoi(text)
		if err != nil || v < 0 || v > n.high {
			return nil, fmt.Errorf("%s must be a number from 0 to %d, not %q", n.key, n.high, text)
		}
		*n.dst = v
	}
	if t.MaxMatches == 0 {
		t.MaxMatches = 100
		if t.TimeField != "" {
			t.MaxMatches = 1
		}
	}
	var err error
	if t.Match, err = matchTypes(set["match_type"]); err != nil {
		return nil, err
	}
	for _, c := range strings.Split(set["fields_list"], ",") {
		if c = strings.TrimSpace(c); c != "" {
			d.columns = append(d.columns, c)
		}
	}
	if d.filter != "" {
		if _, err := syntax.ParseSearch("filter", d.filter); err != nil {
			return nil, err
		}
	}
	kind := strings.ToLower(set["external_type"])
	switch {
	case set["external_cmd"] != "" || kind == "executable" || kind == "python":
		return nil, errors.New("the lookup runs a program; bluetrail reads lookups from .csv files only")
	case kind == "geo" || kind == "geo_hex":
		return nil, errors.New("geospatial lookups are not supported")
	case kind == "kvstore" || set["collection"] != "" && d.file == "":
		d.virtual = true
		d.file = name + ".csv"
	}
	if err := checkName("lookup", name); err != nil {
		return nil, err
	}
	return d, checkFile(d.file)
}

var matchType = regexp.MustCompile(`^(?i:(EXACT|WILDCARD|CIDR))\(([^()]+)\)$`)

// matchTypes reads WILDCARD(user), CIDR(net) …
func matchTypes(s string) (map[string]string, error) {
	types := map[string]string{}
	// Commas and blanks separate list items; field names contain neither.
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' }) {
		m := matchType.FindStringSubmatch(part)
		if m == nil {
			return nil, fmt.Errorf("cannot read match_type %q; write EXACT(field), WILDCARD(field) or CIDR(field)", part)
		}
		types[strings.TrimSpace(m[2])] = strings.ToUpper(m[1])
	}
	return types, nil
}

// definitionFromYAML reads a lookup of the published content. Its .csv file has
// the same base name as the .yml file unless specified otherwise.
func definitionFromYAML(file string, text []byte) (*definition, error) {
	var y map[string]any
	if err := yamldoc.Check(text); err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(text, &y); err != nil {
		return nil, err
	}
	set := map[string]string{}
	for key, v := range y {
		switch v := v.(type) {
		case nil:
		case []any:
			parts := make([]string, len(v))
			for i, p := range v {
				parts[i] = fmt.Sprint(p)
			}
			set[key] = strings.Join(parts, ",")
		default:
			set[key] = fmt.Sprint(v)
		}
	}
	if set["fields_list"] == "" {
		set["fields_list"] = set["fields"]
	}
	if kind := strings.ToLower(set["lookup_type"]); kind == "kvstore" {
		set["external_type"] = kind
	}
	base := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	if set["filename"] == "" && set["collection"] == "" {
		set["filename"] = base + ".csv"
	}
	name := set["name"]
	if name == "" {
		name = base
	}
	return newDefinition(name, set)
}

// checkFile rejects names that could escape the lookups folder.
func checkFile(name string) error {
	lower := strings.ToLower(name)
	if !strings.HasSuffix(lower, ".csv") && !strings.HasSuffix(lower, ".csv.gz") {
		return fmt.Errorf("%q is not a lookup file; its name must end in .csv or .csv.gz", name)
	}
	if name[0] == '.' || len(name) > 200 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) }) {
		return fmt.Errorf("%q is not a valid name for a lookup file; it must not contain a path or any of \\ / : * ? \" < > |", name)
	}
	return nil
}
