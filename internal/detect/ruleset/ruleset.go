// Package ruleset loads rules of every kind as they are: shipped ones, folders of
// Sigma rules, of Splunk's published detections and of saved searches, mixed.
package ruleset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/sigma"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/diag"
)

// Rule is one rule of a Ruleset.
type Rule struct {
	rule.Info
	Off    string // why it does not run; "" = it runs
	Silent bool   // it only serves correlations and raises no findings of its own

	Event       *sigma.Rule        // of kind Event
	Correlation *sigma.Correlation // of kinds Correlation, FirstSeen and Absent
	Search      *splrule.Search    // of kind SPL

	Tests    []sigma.Test
	Warnings []string // what is odd but stops nothing

	// Print changes when the rule does, a rule that it refers to, a filter of theirs or
	// a list that they use.
	Print string
}

// UnknownFields says which fields that the rule tests no record has, and why. That of a
// search is not checked.
func (r *Rule) UnknownFields() []string {
	switch {
	case r.Event != nil:
		return r.Event.UnknownFields()
	case r.Correlation != nil:
		return r.Correlation.UnknownFields()
	}
	return nil
}

// Has reports whether anything below a path is a rule, a filter, or a rule that could not be
// loaded.
func (rs *Ruleset) Has(path string) bool {
	below := func(file string) bool {
		return file == path || strings.HasPrefix(file, strings.TrimSuffix(path, "/")+"/")
	}
	return slices.ContainsFunc(rs.Rules, func(r Rule) bool { return below(r.File) }) || slices.ContainsFunc(rs.Faults, func(f Fault) bool { return below(f.File) }) ||
		slices.ContainsFunc(rs.Others, func(r rule.Info) bool { return below(r.File) }) || slices.ContainsFunc(rs.filters, below)
}

// Fault is a rule, or a whole file, that could not be loaded.
type Fault struct {
	File   string
	Line   int // counted from 1; 0 = the whole file
	Reason string
}

func (f Fault) Error() string {
	if f.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Reason)
	}
	return f.File + ": " + f.Reason
}

// Ruleset is rules by position: event rules first, then correlations, then searches.
// It is constant and may be shared.
type Ruleset struct {
	Rules  []Rule
	Set    *sigma.Set // of the event rules, by the same positions
	Faults []Fault
	Others []rule.Info // Sigma rules for other logs than CloudTrail

	// Wanted are the fields that matches carry for correlations, entities and messages,
	// by match.Value.Field.
	Wanted []string

	Knowledge splrule.Knowledge // of the searches; nil = there are none
	Folders   []string          // that hold macros and lookups for the searches

	correlations int        // position of the first one
	lists        []listFile // that placeholders were read from
	filters      []string   // their files
}

// Options say what else to load and where searches find their knowledge.
type Options struct {
	Off     []string // ids, names and titles of rules that do not run
	Shipped fs.FS    // nil = none
	// Untested leaves out the tests of shipped rules, which are most of their text and of
	// the time to read it.
	Untested bool
	// Knowledge opens macros and lookups in folders. nil: searches are not loaded.
	Knowledge func(folders []string) (splrule.Knowledge, error)
	// Lists gives the values of placeholders; nil = those of Knowledge.
	Lists sigma.Lists
}

// ShippedPrefix stands before the file names of shipped rules.
const ShippedPrefix = "shipped:"

// maxFile is how large a file of Sigma rules may be, in bytes.
const maxFile = 16 << 20

// Load loads files and folders. Whatever cannot be loaded is in Faults and stops
// nothing else; the error is for what makes the whole useless.
func Load(ctx context.Context, paths []string, o Options) (*Ruleset, error) {
	found, err := splrule.Find(ctx, paths)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return load(ctx, found, flat(err), o, readFile)
}

// load loads the files that were found, with what went wrong meanwhile. read reads each
// of them.
func load(ctx context.Context, found splrule.Found, bad []error, o Options, read func(path string) contents) (*Ruleset, error) {
	lists := newLists(&o, found.Knowledge)
	l := &loader{Ruleset: &Ruleset{}, collection: sigma.NewCollection(lists.of), off: o.Off}
	var searches []splrule.Rule
	if o.Shipped != nil {
		var err error
		if searches, err = l.shipped(o.Shipped, o.Untested); err != nil {
			return nil, err
		}
	}
	for _, err := range bad {
		var at *fs.PathError
		if errors.As(err, &at) {
			l.fault(at.Path, 0, at.Err.Error())
		} else {
			l.fault("", 0, err.Error())
		}
	}
	for _, file := range filesOf(found) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		c := read(file)
		l.Faults = append(l.Faults, c.faults...)
		if c.sigma != nil {
			l.collection.Add(file, c.sigma)
		}
		searches = append(searches, c.searches...)
	}
	l.collection.Link()
	for _, f := range l.collection.Faults {
		l.fault(f.File, f.Line, f.Reason())
	}
	l.sigma()
	if o.Knowledge != nil && len(searches) > 0 {
		know, err := lists.knowledge()
		if err != nil {
			return nil, err
		}
		l.Knowledge, l.Folders = know, found.Knowledge
		l.searches(searches, know)
	}
	l.show()
	l.print(lists)
	l.lists = lists.files
	l.Set = sigma.NewSet(l.collection.Rules, l.Wanted...)
	return l.Ruleset, nil
}

type loader struct {
	*Ruleset
	collection *sigma.Collection
	ids        map[string]*Rule
	off        []string
}

func (l *loader) fault(file string, line int, reason string) {
	l.Faults = append(l.Faults, Fault{File: file, Line: line, Reason: diag.Printable(reason)})
}

// shipped adds the Sigma rules of files and returns the searches.
func (l *loader) shipped(files fs.FS, untested bool) (searches []splrule.Rule, err error) {
	err = fs.WalkDir(files, ".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && path == shippedLists:
			return fs.SkipDir
		case e.IsDir():
			return nil
		}
		data, err := fs.ReadFile(files, path)
		if err != nil {
			return fmt.Errorf("cannot read shipped rule %q: %w", path, err)
		}
		if untested {
			data = withoutTests(data)
		}
		if path = ShippedPrefix + path; sigma.Looks(data) {
			l.collection.Add(path, data)
			return nil
		}
		c := searchesOf(path, func() ([]splrule.Rule, error) { return splrule.Parse(path, data) })
		l.Faults = append(l.Faults, c.faults...)
		searches = append(searches, c.searches...)
		return nil
	})
	return searches, err
}

// withoutTests blanks the lines of the key tests, so that others keep their numbers.
func withoutTests(data []byte) []byte {
	out := make([]byte, 0, len(data))
	within := false
	for line := range bytes.Lines(data) {
		switch {
		case bytes.HasPrefix(line, []byte("tests:")):
			within = true
		case line[0] == ' ' || line[0] == '\n' || line[0] == '#' || line[0] == '-' && !bytes.HasPrefix(line, []byte("---")): // of the key before
		default:
			within = false
		}
		if within {
			line = []byte("\n")
		}
		out = append(out, line...)
	}
	return out
}

// contents is what a file of rules holds.
type contents struct {
	sigma    []byte // nil = none
	searches []splrule.Rule
	faults   []Fault
}

// filesOf returns the files that may hold rules, each once.
func filesOf(found splrule.Found) []string {
	files := slices.Concat(found.Baselines, found.Files)
	seen := map[string]bool{}
	return slices.DeleteFunc(files, func(file string) bool {
		was := seen[file]
		seen[file] = true
		return was
	})
}

// readFile reads a file of rules. Documents of Sigma are not parsed yet.
func readFile(path string) (c contents) {
	data, ok, err := ReadSigma(path)
	switch {
	case err != nil:
		c.faults = append(c.faults, Fault{File: path, Reason: diag.Printable(err.Error())})
		return c
	case ok:
		c.sigma = data
		return c
	}
	return searchesOf(path, func() ([]splrule.Rule, error) { return splrule.Load(path) })
}

// searchesOf reads the SPL rules of a file.
func searchesOf(path string, load func() ([]splrule.Rule, error)) (c contents) {
	fault := func(line int, reason string) {
		c.faults = append(c.faults, Fault{File: path, Line: line, Reason: diag.Printable(reason)})
	}
	rules, err := load()
	for _, err := range flat(err) {
		var at *diag.Error
		if errors.As(err, &at) && at.Src != "" {
			fault(1+strings.Count(at.Src[:min(max(at.Span.Start, 0), len(at.Src))], "\n"), at.Msg)
			continue
		}
		fault(0, strings.TrimPrefix(err.Error(), path+": "))
	}
	c.searches = slices.DeleteFunc(rules, func(r splrule.Rule) bool { return r.Kind != splrule.SPL })
	return c
}

// ReadSigma reads a file if it holds Sigma; ok is false for other files.
func ReadSigma(path string) (data []byte, ok bool, err error) {
	if ext := strings.ToLower(filepath.Ext(path)); ext != ".yml" && ext != ".yaml" {
		return nil, false, nil
	}
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxFile {
		err = fmt.Errorf("the file is larger than %d MiB", maxFile>>20)
	}
	if err == nil {
		data, err = os.ReadFile(path)
	}
	return data, err == nil && sigma.Looks(data), err
}

// flat takes apart what errors.Join joined.
func flat(err error) []error {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range many.Unwrap() {
			out = append(out, flat(e)...)
		}
		return out
	}
	return []error{err}
}

// sigma takes over the rules of the collection.
func (l *loader) sigma() {
	c := l.collection
	silentRules, silentCorrelations := c.Silent()
	for i, r := range c.Rules {
		l.add(Rule{Info: r.Info, Silent: silentRules[i], Event: r, Tests: r.Tests, Warnings: r.Warnings})
	}
	l.Ruleset.correlations = len(l.Rules)
	for i, r := range c.Correlations {
		l.add(Rule{Info: r.Info, Silent: silentCorrelations[i], Correlation: r, Tests: r.Tests, Warnings: r.Warnings})
		for _, f := range r.Wanted() {
			l.want(f)
		}
	}
	for _, o := range c.Others {
		l.Others = append(l.Others, o.Info)
	}
	for _, f := range c.Filters {
		l.filters = append(l.filters, f.File)
	}
}

// show makes matches carry what findings show of their events.
func (l *loader) show() {
	for i := range l.Rules {
		info := &l.Rules[i].Info
		for _, f := range placeholders(info.Message) {
			if !slices.Contains(info.Fields, f) && !finding.Has(f) {
				info.Fields = append(info.Fields[:len(info.Fields):len(info.Fields)], f)
			}
		}
		for _, f := range slices.Concat(info.Entity, info.Fields) {
			l.want(f)
		}
	}
}

func (l *loader) want(field string) {
	if !slices.Contains(l.Wanted, field) {
		l.Wanted = append(l.Wanted, field)
	}
}

// placeholders returns the fields that a message names.
func placeholders(message string) (names []string) {
	parts := strings.Split(message, "%")
	for i := 1; i < len(parts)-1; i += 2 {
		if parts[i] != "" && !strings.ContainsAny(parts[i], " \n\t") {
			names = append(names, parts[i])
		}
	}
	return names
}

// searches takes over SPL rules.
func (l *loader) searches(rules []splrule.Rule, know splrule.Knowledge) {
	for i := range rules {
		r := &rules[i]
		s, err := splrule.Compile(r, know)
		if err != nil {
			l.fault(r.File, r.Line, err.Error())
			continue
		}
		added := Rule{Info: r.Info(), Search: s, Tests: r.Tests}
		if r.Disabled {
			added.Off = "its file disables it"
		}
		l.add(added)
	}
}

// add appends a rule. Its ID is unique afterwards, or the rule is off.
func (l *loader) add(r Rule) {
	if r.ID == "" {
		if r.ID = slug(r.Title); r.ID == "" || l.ids[r.ID] != nil { // rules without ids may share a title
			r.ID = strings.TrimPrefix(fmt.Sprintf("%s-%08x", r.ID, crc32.ChecksumIEEE([]byte(filepath.Base(r.File)+"\x00"+r.Title))), "-")
		}
	}
	switch strings.ToLower(r.Status) {
	case "deprecated", "unsupported":
		r.Off = "its status is " + strings.ToLower(r.Status)
	}
	if slices.ContainsFunc(l.off, r.named) {
		r.Off = "rules.off names it"
	}
	if l.ids == nil {
		l.ids = map[string]*Rule{}
	}
	if other := l.ids[r.ID]; other != nil {
		r.Off = fmt.Sprintf("%s:%d has the same id", other.File, other.Line)
		l.fault(r.File, r.Line, fmt.Sprintf("the id %s is that of %s:%d; the first one runs", r.ID, other.File, other.Line))
		r.ID = fmt.Sprintf("%s-%d", r.ID, len(l.Rules))
	}
	l.ids[r.ID] = &Rule{Info: r.Info}
	l.Rules = append(l.Rules, r)
}

// named reports whether a reference is the rule's id, name or title.
func (r *Rule) named(ref string) bool {
	return ref != "" && (strings.EqualFold(ref, r.ID) || ref == r.Name || strings.EqualFold(ref, r.Title))
}

// slug makes an id of a title.
func slug(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "-")
}

// Find returns the position of the rule with an id, name or title, -1 if there is
// none.
func (s *Ruleset) Find(ref string) int {
	for _, same := range []func(r *Rule) bool{
		func(r *Rule) bool { return r.ID == ref },
		func(r *Rule) bool { return r.Name != "" && r.Name == ref },
		func(r *Rule) bool { return strings.EqualFold(r.Title, ref) },
	} {
		for i := range s.Rules {
			if same(&s.Rules[i]) {
				return i
			}
		}
	}
	return -1
}

// Position returns the position of what a correlation refers to.
func (s *Ruleset) Position(ref sigma.Ref) int32 {
	if ref.Rule >= 0 {
		return int32(ref.Rule)
	}
	return int32(s.correlations + ref.Correlation)
}

// Runs reports whether the rule raises findings as events come: searches that look at
// several events run on a schedule.
func (r *Rule) Runs() bool {
	return !r.Silent && (r.Event != nil || r.Correlation != nil || r.Search != nil && r.Search.Stateless())
}

// Without returns the ruleset with rules switched off, by their positions, for a
// reason each.
func (s *Ruleset) Without(off map[int]string) *Ruleset {
	c := *s
	c.Rules = slices.Clone(s.Rules)
	for i, reason := range off {
		c.Rules[i].Off = reason
	}
	return &c
}
