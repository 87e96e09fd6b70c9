package knowledge

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/yamldoc"

	"github.com/goccy/go-yaml"
)

// macroKey distinguishes the overloads of a macro.
type macroKey struct {
	name string
	args int
}

// builtin are the macros that published CloudTrail searches rely on; folders
// may redefine them.
var builtin = []syntax.Macro{
	{Name: "cloudtrail", Definition: `sourcetype=aws:cloudtrail`},
	{Name: "security_content_ctime", Args: []string{"field"}, Definition: `convert timeformat="%Y-%m-%dT%H:%M:%S" ctime($field$)`},
	{Name: "drop_dm_object_name", Args: []string{"object"}, Definition: `rename $object$.* AS *`},
	// A CloudTrail record has the schema's names besides its own.
	{Name: "amazon_security_lake", Definition: `sourcetype=aws:asl`},
	// There are no summaries here, so a search of only summaries would find
	// nothing.
	{Name: "security_content_summariesonly", Definition: `summariesonly=false allow_old_summaries=true fillnull_value=null`},
	{Name: "summariesonly", Definition: `summariesonly=false`},
	// Other AWS logs, by the sourcetypes of Splunk's add-on.
	{Name: "aws_cloudwatchlogs_eks", Definition: `sourcetype=aws:cloudwatchlogs:eks`},
	{Name: "aws_config", Definition: `sourcetype=aws:config`},
	{Name: "aws_description", Definition: `sourcetype=aws:description`},
	{Name: "aws_s3_accesslogs", Definition: `sourcetype=aws:s3:accesslogs`},
	{Name: "aws_securityhub_finding", Definition: `sourcetype=aws:securityhub:finding`},
	{Name: "cloudwatchlogs_vpcflow", Definition: `sourcetype=aws:cloudwatchlogs:vpcflow`},
	// Only the user knows who is expected to push images.
	{Name: "aws_ecr_users", Definition: `userName IN (user)`},
	{Name: "aws_ecr_users_asl", Definition: `actor.user.uid IN (user)`},
	{Name: "ec2_modification_api_calls", Definition: `(eventSource=ec2.amazonaws.com eventName IN (AssociateAddress, AssociateIamInstanceProfile, AttachClassicLinkVpc, AttachNetworkInterface, AttachVolume, BundleInstance, DetachClassicLinkVpc, DetachVolume, DisassociateAddress, DisassociateIamInstanceProfile, ModifyInstance*, MonitorInstances, RebootInstances, ReplaceIamInstanceProfileAssociation, ResetInstanceAttribute, StartInstances, StopInstances, TerminateInstances, UnmonitorInstances))`},
	{Name: "network_acl_events", Definition: `(eventName IN (CreateNetworkAcl, CreateNetworkAclEntry, DeleteNetworkAcl, DeleteNetworkAclEntry, ReplaceNetworkAclAssociation, ReplaceNetworkAclEntry))`},
	{Name: "security_group_api_calls", Definition: `(eventName IN (AuthorizeSecurityGroup*, RevokeSecurityGroup*, UpdateSecurityGroupRuleDescriptions*, ModifySecurityGroupRules, CreateSecurityGroup, DeleteSecurityGroup))`},
}

// window is a macro that returns the relative time for a baseline search: how
// long a baseline remembers, or since when something counts as new.
func window(name string) (syntax.Macro, bool) {
	if !strings.Contains(name, "previously_") {
		return syntax.Macro{}, false
	}
	switch {
	case strings.HasSuffix(name, "_forget_window"):
		return syntax.Macro{Name: name, Definition: `"-90d@d"`}, true
	case strings.HasSuffix(name, "_window"), strings.HasSuffix(name, "_window_begin_offset"):
		return syntax.Macro{Name: name, Definition: `"-70m@m"`}, true
	}
	return syntax.Macro{}, false
}

// Macro implements syntax.Macros.
func (k *Knowledge) Macro(name string, args int) (syntax.Macro, bool) {
	m, ok := k.macros()[macroKey{name, args}]
	if !ok && args == 0 {
		return window(name)
	}
	return m, ok
}

// MacroNames implements syntax.Macros. It returns every name once, sorted.
func (k *Knowledge) MacroNames() []string {
	var names []string
	for key := range k.macros() {
		names = append(names, key.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (k *Knowledge) loadMacros() map[macroKey]syntax.Macro {
	all := map[macroKey]syntax.Macro{}
	add := func(m syntax.Macro) { all[macroKey{m.Name, len(m.Args)}] = m }
	for _, m := range builtin {
		add(m)
	}
	k.eachYAML("macros", func(_, file string, text []byte) error {
		list, err := macrosFromYAML(file, text)
		for _, m := range list {
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

// macroFromStanza parses a stanza [name] or [name(2)].
func macroFromStanza(s *stanza) (syntax.Macro, error) {
	m := syntax.Macro{
		Name:       s.name,
		Definition: s.settings["definition"],
		IsEval:     Truth(s.settings["iseval"], false),
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
			return m, errors.New("write the number of arguments as [name(2)]")
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

// macrosFromYAML reads the macros of a file: one, a list, or several documents.
// A macro without a name gets the name of the file.
func macrosFromYAML(file string, text []byte) (list []syntax.Macro, err error) {
	if err := yamldoc.Check(text); err != nil {
		return nil, err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc any
		if err := d.Decode(&doc); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return list, err
		}
		items, ok := doc.([]any)
		if !ok {
			items = []any{doc}
		}
		for _, item := range items {
			if item == nil { // only comments
				continue
			}
			m, err := macroFromYAML(file, item)
			if err != nil {
				return list, err
			}
			list = append(list, m)
		}
	}
}

func macroFromYAML(file string, item any) (syntax.Macro, error) {
	y, ok := item.(map[string]any)
	if !ok {
		return syntax.Macro{}, errors.New("a macro has name, definition and arguments")
	}
	if _, ok := y["definition"]; !ok {
		return syntax.Macro{}, errors.New("definition is missing")
	}
	scalar := func(v any) string {
		if v == nil {
			return ""
		}
		return strings.TrimSpace(fmt.Sprint(v))
	}
	m := syntax.Macro{Name: scalar(y["name"]), Definition: scalar(y["definition"])}
	if m.Name == "" {
		m.Name = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	}
	args, ok := y["arguments"].([]any)
	if !ok {
		for _, a := range strings.Split(scalar(y["arguments"]), ",") {
			args = append(args, a)
		}
	}
	for _, a := range args {
		if name := scalar(a); name != "" {
			m.Args = append(m.Args, name)
		}
	}
	if base, n, ok := strings.Cut(m.Name, "("); ok && n == strconv.Itoa(len(m.Args))+")" { // name(2), as in macros.conf
		m.Name = base
	}
	return m, checkName("macro", m.Name)
}

// checkName rejects names that cannot be written in a search.
func checkName(what, name string) error {
	if name == "" || strings.ContainsAny(name, "`(),\"\n") {
		return fmt.Errorf("%q is not a valid name for a %s", name, what)
	}
	return nil
}
