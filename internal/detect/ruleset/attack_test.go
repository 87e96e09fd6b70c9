package ruleset_test

import (
	"slices"
	"strings"
	"testing"

	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/knowledge"
	"bluetrail/rules"
)

// tacticsOf are the tactics of each technique that shipped rules name; sub-techniques have those of
// theirs. https://attack.mitre.org/techniques/enterprise/
var tacticsOf = map[string]string{
	"T1020": "exfiltration", "T1021": "lateral-movement", "T1040": "credential-access discovery", "T1048": "exfiltration", "T1059": "execution", "T1069": "discovery",
	"T1070": "defense-evasion", "T1074": "collection", "T1078": "defense-evasion persistence privilege-escalation initial-access", "T1087": "discovery",
	"T1090": "command-and-control", "T1098": "persistence privilege-escalation", "T1110": "credential-access", "T1133": "persistence initial-access", "T1136": "persistence",
	"T1190": "initial-access", "T1195": "initial-access", "T1199": "initial-access", "T1204": "execution", "T1484": "defense-evasion privilege-escalation", "T1485": "impact",
	"T1486": "impact", "T1489": "impact", "T1490": "impact", "T1496": "impact", "T1525": "persistence", "T1526": "discovery", "T1528": "credential-access", "T1530": "collection",
	"T1531": "impact", "T1535": "defense-evasion", "T1537": "exfiltration", "T1539": "credential-access", "T1546": "persistence privilege-escalation",
	"T1548": "privilege-escalation defense-evasion", "T1550": "defense-evasion lateral-movement", "T1552": "credential-access", "T1555": "credential-access",
	"T1556": "credential-access defense-evasion persistence", "T1562": "defense-evasion", "T1566": "initial-access", "T1567": "exfiltration", "T1578": "defense-evasion",
	"T1580": "discovery", "T1584": "resource-development", "T1593": "reconnaissance", "T1609": "execution", "T1610": "defense-evasion execution", "T1619": "discovery",
	"T1621": "credential-access", "T1648": "execution", "T1651": "execution", "T1657": "impact", "T1666": "defense-evasion",
}

// TestTactics: a shipped rule names a tactic of each of its techniques, and a technique of
// each of its tactics.
func TestTactics(t *testing.T) {
	rs, err := ruleset.Load(t.Context(), nil, ruleset.Options{
		Shipped: rules.Files, Knowledge: func(folders []string) (splrule.Knowledge, error) { return knowledge.Open(folders...) },
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range rs.Rules {
		r := &rs.Rules[i]
		if r.Name == "canary" || r.Kind == rule.SPL { // bluetrail's own; SPL rules name techniques only, as Splunk's format has it
			continue
		}
		var reached []string
		for _, technique := range r.Mitre() {
			main, _, _ := strings.Cut(technique, ".")
			of := strings.Fields(tacticsOf[main])
			if len(of) == 0 {
				t.Errorf("%s: %s is not in tacticsOf", r.Name, technique)
			}
			if !slices.ContainsFunc(of, func(tactic string) bool { return slices.Contains(r.Tactics(), tactic) }) {
				t.Errorf("%s (%s): %s lacks its tactic, one of %s", r.Name, r.File, technique, strings.Join(of, ", "))
			}
			reached = append(reached, of...)
		}
		for _, tactic := range r.Tactics() {
			if !slices.Contains(reached, tactic) {
				t.Errorf("%s (%s): no technique of the tactic %s", r.Name, r.File, tactic)
			}
		}
		if len(reached) == 0 {
			t.Errorf("%s (%s): no technique", r.Name, r.File)
		}
	}
}
