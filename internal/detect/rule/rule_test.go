package rule

import (
	"slices"
	"testing"
)

func TestMitre(t *testing.T) {
	i := Info{Tags: []string{"attack.t1078.004", "attack.T1098", "attack.privilege_escalation", "attack.initial-access", "cve.2024-1", "attack.t10", "attack.t1078.4", "T1098"}}
	if got := i.Mitre(); !slices.Equal(got, []string{"T1078.004", "T1098"}) {
		t.Errorf("techniques %v", got)
	}
	if got := i.Tactics(); !slices.Equal(got, []string{"privilege-escalation", "initial-access"}) {
		t.Errorf("tactics %v", got)
	}
}
