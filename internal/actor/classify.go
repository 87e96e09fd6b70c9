package actor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"bluetrail/internal/identity"
)

// A class needs certain points. Each piece of evidence gives some; what user agents claim
// never gives enough by itself.
const (
	enough  = 50
	certain = 100
)

// point is a piece of evidence for a class.
type point struct {
	class  Class
	points int
	hard   bool // out of reach for whoever only holds the credentials
	reason string
}

// How long an actor has to be known before some evidence counts as hard: whoever takes it
// over, or makes it, is found by then.
const (
	settled   = 12 * 3600 // seconds from the first call to the last
	habitDays = 3         // days with calls
)

// settledFor reports whether the actor is known for long enough.
func (e *Evidence) settledFor() bool { return e.Last-e.First >= settled }

// Classify says what kind of actor one is, by its name, its kind as in identity.Who, and
// its evidence, which may be nil. It is a pure function.
func Classify(actor, kind string, e *Evidence) Opinion {
	if e == nil {
		e = &Evidence{}
	}
	var list []point
	add := func(class Class, points int, hard bool, format string, args ...any) {
		list = append(list, point{class, points, hard, fmt.Sprintf(format, args...)})
	}
	byKind(actor, kind, e, add)
	byWay(actor, kind, e, add)
	byName(actor, e, add)
	byHabit(kind, e, add)
	return judge(list)
}

type adder func(class Class, points int, hard bool, format string, args ...any)

// judge adds up the evidence.
func judge(list []point) Opinion {
	best := Opinion{Class: Unknown}
	sum := 0
	for _, class := range Classes {
		total, hard := 0, false
		for i := range list {
			if list[i].class == class {
				total += list[i].points
				hard = hard || list[i].hard
			}
		}
		if total >= enough && total > sum {
			sum = total
			best = Opinion{Class: class, Confidence: float64(min(total, certain)) / 100, Trusted: hard && total >= 70}
		}
	}
	if best.Class == Unknown {
		best.Reasons = []string{"Too little is known of it."}
		return best
	}
	slices.SortStableFunc(list, func(a, b point) int { return cmp.Compare(b.points, a.points) })
	for i := range list {
		if list[i].class == best.Class && list[i].points > 0 {
			best.Reasons = append(best.Reasons, list[i].reason)
		}
	}
	return best
}

// byKind is the evidence of how the actor is identified.
func byKind(actor, kind string, e *Evidence, add adder) {
	switch kind {
	case identity.TypeService:
		add(Service, certain, true, "It is a service of AWS.")
	case identity.TypeCenterUser:
		add(Person, 90, true, "It is a user of IAM Identity Center.")
	case identity.TypeSAML:
		add(Person, 90, true, "It signs in by SAML.")
	case identity.TypeRoot, identity.TypeAssumedRoot:
		add(Person, 80, true, "It is the root user.")
	case identity.TypeOIDC:
		switch {
		case buildSubject(actor):
			add(Automation, 90, e.settledFor(), vouched)
		case strings.HasPrefix(actor, "system:serviceaccount:"):
			add(Automation, 60, false, "It is a service account of a Kubernetes cluster.")
		}
	}
}

// vouched is not hard at once: the builds of everybody have the same identity provider, so
// an intruder's build gets in where a role trusts too many.
const vouched = "The identity provider of a build system vouches for it."

// buildSubject reports whether the subject of a token is one of a build system's.
// Sources: GitHub "About security hardening with OpenID Connect", GitLab "OpenID Connect
// (OIDC) authentication using ID tokens", HCP Terraform "Dynamic credentials", CircleCI
// "Using OpenID Connect tokens in jobs", Buildkite "OIDC with Buildkite Agent".
func buildSubject(s string) bool {
	return strings.HasPrefix(s, "repo:") || strings.HasPrefix(s, "project_path:") || strings.HasPrefix(s, "organization:") && strings.Contains(s, ":workspace:") ||
		strings.HasPrefix(s, "org/") && strings.Contains(s, "/project/") || strings.HasPrefix(s, "organization:") && strings.Contains(s, ":pipeline:")
}

func providerSign(provider string) Sign {
	for _, part := range []string{
		"token.actions.githubusercontent.com", "gitlab", "app.terraform.io", "oidc.circleci.com", "api.bitbucket.org", "spacelift", "agent.buildkite.com", "vstoken.dev.azure.com", "pulumi.com", "scalr.io", "env0",
	} {
		if strings.Contains(provider, part) {
			return SignPipeline
		}
	}
	if strings.Contains(provider, "oidc.eks.") || strings.Contains(provider, "oidc-eks.") {
		return SignWorkload
	}
	return 0
}

func starterSign(service string) Sign {
	switch strings.TrimSuffix(service, ".amazonaws.com") {
	case "codebuild", "codepipeline", "codedeploy", "cloudformation", "amplify", "imagebuilder", "proton", "servicecatalog", "member.org.stacksets.cloudformation", "stacksets.cloudformation":
		return SignBuild
	case "bedrock", "bedrock-agentcore", "q", "qapps", "agents.bedrock":
		return SignAgent
	case "config", "config-conforms", "access-analyzer", "auditmanager", "securityhub", "inspector2", "trustedadvisor":
		return SignScan
	case "sso", "signin", "saml":
		return 0
	}
	return SignCompute
}

// byWay is the evidence of how it comes by its credentials.
func byWay(actor, kind string, e *Evidence, add adder) {
	switch n := e.Console + e.SignIns; {
	case n*20 >= e.Calls && n > 0:
		add(Person, 80, true, "It works in the AWS console.")
	case n > 0: // who steals the key of a program can get into the console with it
		add(Person, 30, false, "%d of its %d calls are from the AWS console.", n, e.Calls)
	}
	if e.MFA > 0 && e.Console == 0 && e.SignIns == 0 {
		add(Person, 55, true, "It authenticates with MFA.")
	}
	for _, s := range []struct {
		sign   Sign
		class  Class
		points int
		hard   bool
		reason string
	}{
		{SignPipeline, Automation, 90, e.settledFor(), vouched},
		{SignWorkload, Automation, 60, false, "A workload of a cluster uses it."},
		{SignBuild, Automation, 80, true, "A service of AWS that builds and deploys starts its sessions."},
		{SignCompute, Automation, 60, false, "A service of AWS that runs programs starts its sessions."},
		{SignAgent, Agent, 80, true, "A service of AWS that runs AI agents starts its sessions."},
		{SignScan, Scanner, 80, true, "A service of AWS that checks configurations starts its sessions."},
	} {
		if e.signs&s.sign != 0 && !(s.sign == SignPipeline && kind == identity.TypeOIDC && buildSubject(actor)) { // said by byKind
			add(s.class, s.points, s.hard, "%s", s.reason)
		}
	}
	if e.MCP > 0 && e.MCP*2 >= e.Calls {
		add(Agent, 90, true, "Most of its calls come through the AWS MCP server.")
	}
}

var names = []struct {
	class Class
	words []string
}{
	{Automation, []string{"terraform", "tofu", "pulumi", "cdk-", "cfn-", "cloudformation", "github", "gitlab", "jenkins", "circleci", "buildkite", "bitbucket", "codebuild", "spacelift", "atlantis", "argocd", "deploy", "cicd", "ci-cd", "-ci", "ci-", "pipeline", "automation", "ansible", "-iac", "iac-"}},
	{Scanner, []string{"prowler", "scoutsuite", "securityaudit", "security-audit", "wiz", "orca", "lacework", "prisma", "cloudsploit", "steampipe", "cspm", "datadog", "scanner", "-scan", "scan-", "posture", "cartography", "cloudcustodian", "drata", "vanta", "compliance"}},
}

// byName is the evidence of the name of a user or role. It is never hard: an intruder who
// can create a role can call it deploy. For servers and functions it says nothing at all;
// their role may be called after what they deploy.
func byName(actor string, e *Evidence, add adder) {
	if !strings.HasPrefix(actor, "arn:") || e.signs&(SignCompute|SignWorkload) != 0 && e.signs&(SignPipeline|SignBuild) == 0 {
		return
	}
	_, last, _ := strings.Cut(actor, "/")
	last = strings.ToLower(last)
	for _, n := range names {
		for _, w := range n.words {
			if strings.Contains(last, w) {
				add(n.class, 25, false, "Its name has %q in it.", strings.Trim(w, "-"))
				break
			}
		}
	}
}

// What scans read within an hour, at least: different calls, of different services.
const (
	wideCalls, wideServices = 80, 20
	someCalls, someServices = 30, 8
	scanHour                = 3600 // seconds
	scanHours               = 4    // of the day, of scans that take several days
)

// Other habits.
const (
	fewest  = 20 // calls, below which there is no habit
	dayLong = 18 // hours of the day
	quick   = 15 // calls in a minute
)

// byHabit is the evidence of what it does.
func byHabit(kind string, e *Evidence, add adder) {
	if e.Calls < fewest {
		return
	}
	days := e.days.size()
	codes := e.Code*2 >= e.Calls
	scans := e.Scans*2 >= e.Calls
	if e.Code*4 >= e.Calls {
		add(Automation, 25, false, "It says that it is a tool of infrastructure as code.")
	}
	if scans {
		add(Scanner, 25, false, "It says that it is a tool that scans accounts.")
	}
	if e.Minds*4 >= e.Calls {
		add(Agent, 40, false, "It says that it is an AI agent.")
	}
	pace := pace(e)
	if pace >= quick {
		add(Automation, 20, false, "It makes %d calls in a minute with calls.", pace)
		if e.Minds*4 >= e.Calls {
			add(Agent, 10, false, "It makes %d calls in a minute with calls.", pace)
		}
	}
	hours, most := 0, int64(0)
	for _, n := range e.hours {
		if n > 0 {
			hours++
		}
	}
	for _, n := range e.slots {
		most = max(most, n)
	}
	if share(e.Reads, e.Calls) >= 95 {
		read := func(x *entry) bool { return x.flags&readFlag != 0 }
		calls, services := e.calls.rush(scanHour, read), e.services.rush(scanHour, func(*entry) bool { return true })
		points := 0
		switch {
		case calls >= wideCalls && services >= wideServices:
			points = 60
		case hours <= scanHours && e.calls.size() >= wideCalls && e.services.size() >= wideServices: // a part each night
			points, calls, services = 60, e.calls.size(), e.services.size()
		case hours <= scanHours && days >= habitDays && e.calls.size() >= someCalls && e.services.size() >= wideServices && int64(e.calls.size())*2 >= e.Calls:
			points, calls, services = 45, e.calls.size(), e.services.size()
		case calls >= someCalls && services >= someServices && scans:
			points = 30
		}
		if codes {
			points /= 2
		}
		if points > 0 {
			add(Scanner, points, false, "It read by %d different calls of %d services in a short time.", calls, services)
			if share(e.Denied, e.Calls) >= 3 {
				add(Scanner, 10, false, "%d of its %d calls were denied.", e.Denied, e.Calls)
			}
			if days >= habitDays {
				add(Scanner, 10, true, "It does so on %d days.", days)
			}
		}
	}
	if hours >= dayLong && days >= 2 {
		add(Automation, 55, false, "It works around the clock, in %d hours of the day.", hours)
	}
	if runs := e.minutes.size(); runs >= 6 && days >= 2 && share(most, e.Calls) >= 80 {
		add(Automation, 30, false, "Nearly all of its calls lie in the same five minutes of the hour.")
	}
	// The key of a user may lie anywhere, for as long as nobody changes it.
	if e.Code*4 >= e.Calls && days >= habitDays && kind != identity.TypeUser {
		add(Automation, 20, true, "It does so on %d days.", days)
	}
	if e.Calls >= 500 && e.calls.size() <= 8 && days >= 2 && e.Shells == 0 {
		add(Automation, 25, false, "It makes the same %d calls over and over.", e.calls.size())
	}
	if e.Shells*2 >= e.Calls {
		add(Person, 25, false, "It says that it is a browser or a shell.")
	}
	if hours <= 12 && days >= 5 && share(e.weekend, e.Calls) <= 3 && pace < quick {
		add(Person, 30, true, "It works on working days, in %d hours of the day.", hours)
	}
}

// pace returns the calls of a minute that has calls.
func pace(e *Evidence) int64 {
	n := int64(0)
	for i := range e.minutes.list {
		n += e.minutes.list[i].calls
	}
	return n / int64(max(1, len(e.minutes.list)))
}

func share(part, all int64) int64 {
	if all == 0 {
		return 0
	}
	return part * 100 / all
}
