package rule

import (
	"strings"
	"testing"
)

func TestSetClass(t *testing.T) {
	var i Info
	for _, c := range []struct{ class, severity, fault string }{
		{"Automation", "low", ""}, {"scanner", "off", ""}, {"aws_service", "false", ""}, {"robot", "low", "no class"}, {"agent", "mild", "not known"},
	} {
		if err := i.SetClass(c.class, c.severity); (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %s: %v", c.class, c.severity, err)
		}
	}
	if got := strings.Join(i.ByClass(), "; "); got != "automation: low; aws_service: off; scanner: off" {
		t.Error(got)
	}
}

func TestSetInside(t *testing.T) {
	i := Info{Fields: []string{"shared_with"}}
	if err := i.SetInside(" Low"); err != nil || i.Inside != Low {
		t.Error(i.Inside, err)
	}
	for _, c := range []struct{ severity, field, want string }{{"off", "shared_with", "not known"}, {"low", "bucketName", "must list shared_with"}} {
		i := Info{Fields: []string{c.field}}
		if err := i.SetInside(c.severity); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.severity, err)
		}
	}
}
