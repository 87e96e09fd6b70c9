package knowledge

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/spl"

	"github.com/goccy/go-yaml"
)

// macroKey tells the overloads of a macro apart.
type macroKey struct {
	name string
	args int
}

// builtin are the macros that published CloudTrail searches count on; folders
// may define them anew.
var builtin = []spl.Macro{
	{Name: "cloudtrail", Definition: `sourcetype=aws:cloudtrail`},
	{Name: "security_content_ctime", Args: []string{"field"}, Definition: `convert timeformat="%Y-%m-%dT%H:%M:%S" ctime($field$)`},
	{Name: "drop_dm_object_name", Args: []string{"object"}, Definition: `rename $object$.* AS *`},
	// A CloudTrail record has the names of the schema beside its own.
	{Name: "amazon_security_lake", Definition: `sourcetype=aws:cloudtrail`},
	// There are no summaries here, so those that exist alone would be none.
	{Name: "security_content_summariesonly", Definition: `summariesonly=false allow_old_summaries=true fillnull_value=null`},
	{Name: "summariesonly", Definition: `summariesonly=false`},
}

// Macro implements spl.Macros.
func (k *Knowledge) Macro(name string, args int) (spl.Macro, bool) {
	m, ok := k.macros()[macroKey{name, args}]
	return m, ok
}

// MacroNames implements spl.Macros: every name once, sorted.
func (k *Knowledge) MacroNames() []string {
	var names []string
	for key := range k.macros() {
		names = append(names, key.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (k *Knowledge) loadMacros() map[macroKey]spl.Macro {
	all := map[macroKey]spl.Macro{}
	add := func(m spl.Macro) { all[macroKey{m.Name, len(m.Args)}] = m }
	for _, m := range builtin {
		add(m)
	}
	k.eachYAML("macros", func(_, _ string, text []byte) error {
		m, err := macroFromYAML(text)
		if err == nil {
			add(m)
		}
		return err
	})
	k.eachStanza("macros.conf", func(_, _ string, s *stanza) error {
		m, err := macroFromStanza(s)
		if err == nil {
			add(m)
		}
		return err
	})
	return all
}

// macroFromStanza reads [name] or [name(2)].
func macroFromStanza(s *stanza) (spl.Macro, error) {
	m := spl.Macro{
		Name:       s.name,
		Definition: s.settings["definition"],
		IsEval:     truth(s.settings["iseval"], false),
		Validation: s.settings["validation"],
		ErrorMsg:   s.settings["errormsg"],
	}
	for _, a := range strings.Split(s.settings["args"], ",") {
		if a = strings.TrimSpace(a); a != "" {
			m.Args = append(m.Args, a)
		}
	}
	count := 0
	if base, n, ok := strings.Cut(s.name, "("); ok {
		var err error
		m.Name = strings.TrimSpace(base)
		if count, err = strconv.Atoi(strings.TrimSuffix(n, ")")); err != nil || !strings.HasSuffix(n, ")") {
			return m, errors.New("the number of arguments is written [name(2)]")
		}
	}
	if count != len(m.Args) {
		return m, fmt.Errorf("the name says %d arguments, args lists %d", count, len(m.Args))
	}
	if _, ok := s.settings["definition"]; !ok {
		return m, errors.New("definition is missing")
	}
	return m, checkName("macro", m.Name)
}

func macroFromYAML(text []byte) (spl.Macro, error) {
	var y struct {
		Name       string   `yaml:"name"`
		Definition string   `yaml:"definition"`
		Arguments  []string `yaml:"arguments"`
	}
	if err := yaml.Unmarshal(text, &y); err != nil {
		return spl.Macro{}, err
	}
	if y.Definition == "" {
		return spl.Macro{}, errors.New("definition is missing")
	}
	return spl.Macro{Name: y.Name, Args: y.Arguments, Definition: strings.TrimSpace(y.Definition)}, checkName("macro", y.Name)
}

// checkName refuses names that no search could write.
func checkName(what, name string) error {
	if name == "" || strings.ContainsAny(name, "`(),\"\n") {
		return fmt.Errorf("%q is no name for a %s", name, what)
	}
	return nil
}
