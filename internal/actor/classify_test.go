package actor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/identity"
)

// habit is evidence in short.
type habit struct {
	days, perDay int
	hour, hours  int // of the first call of the day, and over how many the calls spread; 0 = one minute
	calls        int // different ones, of as many services
	call         Call
	agent        string
	signs        Sign
}

func (h habit) evidence() *Evidence {
	e := &Evidence{signs: h.signs}
	for day := range h.days {
		for i := range h.perDay {
			at := time.Date(2026, 3, 2+day, h.hour, 0, 0, 0, time.UTC).Add(time.Duration(h.hours) * time.Hour * time.Duration(i) / time.Duration(h.perDay)).Unix()
			e.count(&h.call, at)
			e.at(at/60, 1)
			n := (day*h.perDay + i) % max(1, h.calls)
			x := entry{key: hash(fmt.Sprint("call", n)), first: at, last: at, calls: 1, flags: h.call.entryFlags()}
			e.calls.add(&x, mostCalls)
			x.key = hash(fmt.Sprint("service", n))
			e.services.add(&x, mostServices)
			switch toolOf(h.agent).class {
			case codeTool:
				e.Code++
			case scanTool:
				e.Scans++
			case agentTool:
				e.Minds++
			case shellTool:
				e.Shells++
			}
		}
	}
	return e
}

func TestClassify(t *testing.T) {
	const (
		user, role = "arn:aws:iam::111122223333:user/", "arn:aws:iam::111122223333:role/"
		terraform  = "APN/1.0 HashiCorp/1.0 Terraform/1.9.5"
		repo       = "repo:acme/shop:ref:refs/heads/main"
	)
	read := Call{Read: true}
	work := habit{days: 5, perDay: 40, hour: 8, hours: 8, calls: 10}
	builds := habit{days: 5, perDay: 60, hour: 9, hours: 10, calls: 30, agent: terraform}
	scan := habit{days: 5, perDay: 90, hour: 2, calls: 90, call: read, agent: "prowler/4.2"}
	clock := habit{days: 4, perDay: 48, hours: 24, calls: 4, agent: "Boto3/1.35"}
	with := func(h habit, f func(*habit)) habit { f(&h); return h }
	signed := func(h habit, s Sign) habit { return with(h, func(h *habit) { h.signs = s }) }
	for _, c := range []struct {
		name, actor, kind string
		habit             habit
		want              Class
		trusted           bool
	}{
		{"SAML", "dana@example.com", identity.TypeSAML, habit{}, Person, true},
		{"Identity Center", "dana", identity.TypeCenterUser, habit{}, Person, true},
		{"root", "arn:aws:iam::111122223333:root", identity.TypeRoot, habit{}, Person, true},
		{"console with MFA", user + "dana", identity.TypeUser, with(work, func(h *habit) { h.call = Call{Console: true, MFA: true} }), Person, true},
		{"shell with MFA", user + "dana", identity.TypeUser, with(work, func(h *habit) { h.call.MFA = true }), Person, true},

		{"GitHub", repo, identity.TypeOIDC, builds, Automation, true},
		{"GitHub, just come", repo, identity.TypeOIDC, with(builds, func(h *habit) { h.days, h.hours = 1, 1 }), Automation, false},
		{"unknown provider", "acme/shop", identity.TypeOIDC, work, Unknown, false},
		{"pod", "system:serviceaccount:shop:api", identity.TypeOIDC, signed(clock, SignWorkload), Automation, false},
		{"Terraform in CI", role + "terraform-apply", identity.TypeRole, signed(builds, SignPipeline), Automation, true},
		{"Terraform for days", role + "terraform-apply", identity.TypeRole, builds, Automation, true},
		{"CloudFormation", role + "stack", identity.TypeRole, signed(builds, SignBuild), Automation, true},
		{"service", "cloudformation.amazonaws.com", identity.TypeService, habit{}, Service, true},
		{"service-linked role", "autoscaling.amazonaws.com", identity.TypeService, clock, Service, true}, // the service is the actor

		{"scanner", role + "audit", identity.TypeRole, scan, Scanner, true},
		{"scanner without its agent and name", role + "x", identity.TypeRole, with(scan, func(h *habit) { h.agent = "" }), Scanner, true},
		{"scanner of few calls", role + "posture", identity.TypeRole, with(scan, func(h *habit) { h.days, h.perDay, h.calls = 3, 20, 40 }), Scanner, true},
		{"reconnaissance", user + "dana", identity.TypeUser, with(scan, func(h *habit) { h.days, h.agent = 1, "" }), Scanner, false},
		{"forged scanner", user + "dana", identity.TypeUser, with(work, func(h *habit) { h.call, h.agent = read, "prowler/4.2" }), Unknown, false},
		{"MCP", user + "dana", identity.TypeUser, with(work, func(h *habit) { h.call.MCP = true }), Agent, true},
		{"Bedrock's agent", role + "assistant", identity.TypeRole, signed(work, SignAgent), Agent, true},
		{"forged AI agent", user + "dana", identity.TypeUser, with(work, func(h *habit) { h.agent = "claude-code/2.0" }), Unknown, false},

		{"Lambda", role + "resize", identity.TypeRole, signed(clock, SignCompute), Automation, false},
		{"Lambda called deploy", role + "deploy-hook", identity.TypeRole, signed(clock, SignCompute), Automation, false},
		{"EC2", role + "web", identity.TypeRole, signed(work, SignCompute), Automation, false},
		{"EC2 called pipeline", role + "pipeline-worker", identity.TypeRole, signed(clock, SignCompute), Automation, false},
		{"script", user + "svc-shop", identity.TypeUser, clock, Automation, false},
		{"script with a few console calls", user + "svc-shop", identity.TypeUser, with(clock, func(h *habit) { h.days = 5 }), Automation, false},

		{"name alone", role + "deploy", identity.TypeRole, with(work, func(h *habit) { h.days = 4 }), Unknown, false},
		{"name and the clock", role + "deploy", identity.TypeRole, clock, Automation, false},
		{"forged Terraform, first day", user + "dana", identity.TypeUser, with(builds, func(h *habit) { h.days = 1 }), Unknown, false},
		{"forged Terraform for days, fast", user + "dana", identity.TypeUser, with(builds, func(h *habit) { h.hours = 0 }), Unknown, false},
		{"user called terraform", user + "terraform", identity.TypeUser, with(builds, func(h *habit) { h.hours = 0 }), Automation, false},
		{"nothing is known", user + "dana", identity.TypeUser, habit{}, Unknown, false},
	} {
		e := c.habit.evidence()
		if strings.Contains(c.name, "console calls") {
			e.Console = 3
		}
		if o := Classify(c.actor, c.kind, e); o.Class != c.want || o.Trusted != c.trusted {
			t.Errorf("%s: %+v", c.name, o)
		} else if len(o.Reasons) == 0 || o.Confidence > 1 {
			t.Errorf("%s: %+v", c.name, o)
		}
	}
	if o := Classify(user+"dana", identity.TypeUser, nil); o.Class != Unknown {
		t.Errorf("no evidence: %+v", o)
	}
}
