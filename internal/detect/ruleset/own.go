package ruleset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"bluetrail/internal/leftover"
)

// Own is a folder of rules that people write one by one: each is a file NAME.yml with a
// rule whose id or name is NAME. A Follower reads them beside its other rules.
type Own struct {
	Dir    string
	Follow *Follower
}

// OwnName is the form of names of own rules.
var OwnName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$`)

// MaxOwn bounds the text of a rule, in bytes.
const MaxOwn = 1 << 20

// Path returns the file of a rule.
func (o *Own) Path(name string) string { return filepath.Join(o.Dir, name+".yml") }

// Has reports whether there is a rule of this name.
func (o *Own) Has(name string) bool {
	_, err := os.Stat(o.Path(name))
	return OwnName.MatchString(name) && err == nil
}

// NameOf returns the name of an own rule, "" for others.
func (o *Own) NameOf(r *Rule) string {
	if o == nil || filepath.Dir(r.File) != filepath.Clean(o.Dir) {
		return ""
	}
	return strings.TrimSuffix(filepath.Base(r.File), ".yml")
}

// Tested loads the rules that come with bluetrail, with their tests.
func (o *Own) Tested(ctx context.Context) (*Ruleset, error) {
	with := o.Follow.o.Options
	with.Untested = false
	return Load(ctx, nil, with)
}

// NoRule is the fault of a text without a rule.
const NoRule = "there is no rule for CloudTrail in this text"

// Try loads the rules as they would be with a text in the place of the rule of a name, ""
// = beside all. It returns the positions of the rules of the text, and its faults.
func (o *Own) Try(ctx context.Context, name, text string) (rs *Ruleset, at []int, faults []Fault, err error) {
	dir, err := os.MkdirTemp("", "bluetrail-rule-")
	if err != nil {
		return nil, nil, nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, cmp.Or(name, "rule")+".yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, nil, nil, err
	}
	paths := append(slices.Clone(o.Follow.o.Paths), file)
	entries, err := os.ReadDir(o.Dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil, err
	}
	for _, e := range entries {
		if path := filepath.Join(o.Dir, e.Name()); !e.IsDir() && filepath.Ext(path) == ".yml" && e.Name() != name+".yml" {
			paths = append(paths, path)
		}
	}
	if rs, err = Load(ctx, paths, o.Follow.o.Options); err != nil {
		return nil, nil, nil, err
	}
	for i := range rs.Rules {
		if rs.Rules[i].File == file {
			at = append(at, i)
		}
	}
	for _, f := range rs.Faults {
		if f.File == file {
			f.File = ""
			faults = append(faults, f)
		}
	}
	return rs, at, faults, nil
}

// Check returns what keeps a text from being the rule of a name; nil if nothing does.
func (o *Own) Check(ctx context.Context, name, text string) (faults []Fault, err error) {
	switch {
	case !OwnName.MatchString(name):
		return []Fault{{Reason: fmt.Sprintf("%q cannot name a rule: use letters, digits, dots, dashes and underscores, at most 100", name)}}, nil
	case len(text) > MaxOwn:
		return []Fault{{Reason: fmt.Sprintf("the text is larger than %d KiB", MaxOwn>>10)}}, nil
	}
	rs, at, faults, err := o.Try(ctx, name, text)
	if err != nil || len(faults) > 0 {
		return faults, err
	}
	if len(at) == 0 {
		return []Fault{{Reason: NoRule}}, nil
	}
	named := false
	for _, i := range at {
		r := &rs.Rules[i]
		named = named || r.ID == name || r.Name == name
		for j := range rs.Rules {
			if x := &rs.Rules[j]; j != i && (x.ID == r.ID || r.Name != "" && x.Name == r.Name) && !slices.Contains(at, j) {
				return []Fault{{Line: r.Line, Reason: fmt.Sprintf("the rule %q in %s has the same id or name", x.Title, x.File)}}, nil
			}
		}
	}
	if !named {
		r := &rs.Rules[at[0]]
		return []Fault{{Line: r.Line, Reason: fmt.Sprintf("the id of the rule must be %q, not %q", name, cmp.Or(r.Name, r.ID))}}, nil
	}
	return nil, nil
}

// Put writes the rule of a name, which was checked, and has it run.
func (o *Own) Put(ctx context.Context, name, text string) error {
	if err := leftover.ReplaceWith(o.Dir, name+".yml", []byte(text)); err != nil {
		return err
	}
	_, err := o.Follow.Reload(ctx)
	return err
}

// Remove removes the rule of a name.
func (o *Own) Remove(ctx context.Context, name string) error {
	if err := os.Remove(o.Path(name)); err != nil {
		return err
	}
	_, err := o.Follow.Reload(ctx)
	return err
}
