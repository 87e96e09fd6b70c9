package generate

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// fields is a record as a search sees it: every value under its path.
type fields map[string][]string

func flatten(into fields, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			flatten(into, strings.TrimPrefix(path+"."+k, "."), e)
		}
	case []any:
		for _, e := range v {
			flatten(into, path+"{}", e)
		}
	case nil:
	case string:
		into[path] = append(into[path], v)
	default:
		text, _ := json.Marshal(v)
		into[path] = append(into[path], string(text))
	}
}

func (f fields) has(path string, values ...string) bool {
	return slices.ContainsFunc(f[path], func(have string) bool {
		return slices.ContainsFunc(values, func(want string) bool { return strings.EqualFold(have, want) })
	})
}

// all says whether the record has every field, as stats by them needs.
func (f fields) all(paths ...string) bool {
	return !slices.ContainsFunc(paths, func(p string) bool { return len(f[p]) == 0 })
}

func (f fields) userName() bool {
	return f.all("userIdentity.userName") || f.all("userIdentity.sessionContext.sessionIssuer.userName") || f.all("userIdentity.arn")
}

// The guide's searches, each by its conditions and the fields that its last
// command groups by.
var guide = map[string]func(f fields, recent map[string]bool) bool{
	"console-login-without-mfa": func(f fields, _ map[string]bool) bool {
		return f.has("eventName", "ConsoleLogin") && f.has("responseElements.ConsoleLogin", "Success") && f.has("additionalEventData.MFAUsed", "No")
	},
	"failed-logins-by-source": func(f fields, _ map[string]bool) bool {
		return f.has("eventName", "ConsoleLogin") && f.has("responseElements.ConsoleLogin", "Failure") &&
			f.userName() && f.all("userIdentity.accountId", "eventSource", "sourceIPAddress", "errorMessage")
	},
	"gpu-instances": func(f fields, _ map[string]bool) bool {
		return f.has("eventSource", "ec2.amazonaws.com") && f.has("eventName", "RunInstances") &&
			f.has("requestParameters.instanceType", "p3.2xlarge", "p3.8xlarge", "p3.16xlarge", "p3dn.24xlarge", "p2.xlarge", "p2.8xlarge", "p2.16xlarge", "g3s.xlarge", "g3.4xlarge", "g3.8xlarge", "g3.16xlarge") &&
			f.userName() && f.all("awsRegion", "userIdentity.accountId", "sourceIPAddress", "userIdentity.type", "responseElements.instancesSet.items{}.instanceId",
			"responseElements.instancesSet.items{}.networkInterfaceSet.items{}.privateIpAddress", "requestParameters.instancesSet.items{}.minCount")
	},
	"ssh-open-to-the-world": func(f fields, recent map[string]bool) bool {
		return f.has("eventSource", "ec2.amazonaws.com") && f.has("eventName", "AuthorizeSecurityGroupIngress") &&
			f.has("requestParameters.ipPermissions.items{}.fromPort", "22") && f.has("requestParameters.ipPermissions.items{}.toPort", "22") &&
			f.has("requestParameters.ipPermissions.items{}.ipRanges.items{}.cidrIp", "0.0.0.0/0") &&
			slices.ContainsFunc(f["requestParameters.groupId"], func(g string) bool { return recent[g] }) &&
			f.userName() && f.all("userIdentity.accountId", "userIdentity.type", "sourceIPAddress", "requestParameters.ipPermissions.items{}.ipProtocol")
	},
	"network-acl-open": func(f fields, _ map[string]bool) bool {
		return f.has("eventSource", "ec2.amazonaws.com") && f.has("eventName", "CreateNetworkAclEntry") &&
			f.has("requestParameters.cidrBlock", "0.0.0.0/0") && f.has("requestParameters.ruleAction", "Allow")
	},
	"public-bucket-acl": func(f fields, _ map[string]bool) bool {
		grants := "requestParameters.AccessControlPolicy.AccessControlList.Grant{}"
		return f.has("eventName", "PutBucketAcl") && !f.all("errorCode") && f.all("requestParameters.bucketName", "userIdentity.arn", grants+".Permission") &&
			slices.ContainsFunc(f[grants+".Grantee.URI"], func(uri string) bool { return strings.HasSuffix(uri, "AllUsers") })
	},
}

func readLabels(t *testing.T, text []byte) []Label {
	t.Helper()
	var labels []Label
	for line := range bytes.Lines(text) {
		var l Label
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		labels = append(labels, l)
	}
	return labels
}

// TestGuideFindsTheAttacks asks for each of the guide's searches that it finds
// the attacks labelled so, none of the close misses that it must not, and
// nothing besides that is not labelled.
func TestGuideFindsTheAttacks(t *testing.T) {
	t.Parallel()
	cfg := small()
	tree, sum := smallTrail()
	attacks, lookalikes := readLabels(t, tree[LabelsFile]), readLabels(t, tree[LookalikesFile])
	if len(attacks) != len(sum.Attacks) {
		t.Errorf("%d labels, summary has %d", len(attacks), len(sum.Attacks))
	}
	events := map[string]fields{}
	recent := map[string]bool{} // groups of instances started in the last seven days
	now := cfg.End.Truncate(time.Hour)
	err := Stream(context.Background(), cfg, func(r []byte, at time.Time) error {
		var v any
		if err := json.Unmarshal(r, &v); err != nil {
			return err
		}
		f := fields{}
		flatten(f, "", v)
		events[slices.Concat(f["eventID"], f["eventId"])[0]] = f
		if f.has("eventName", "RunInstances") && !at.Before(now.AddDate(0, 0, -7)) && f.all("responseElements.instancesSet.items{}.instanceId") {
			for _, g := range f["responseElements.instancesSet.items{}.groupSet.items{}.groupId"] {
				recent[g] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{} // search to eventIDs
	for id, f := range events {
		for name, match := range guide {
			if match(f, recent) {
				found[name] = append(found[name], id)
			}
		}
	}
	explained := map[string]bool{}
	finds := func(l Label) int {
		n := 0
		for _, id := range l.EventIDs {
			if events[id] == nil {
				t.Errorf("%s: event %s is not in the trail", l.Name, id)
			}
			if slices.Contains(found[l.Search], id) {
				n++
			}
			explained[id] = true
		}
		return n
	}
	searches := map[string]bool{}
	for _, l := range attacks {
		if n := finds(l); l.Search != "" && n == 0 {
			t.Errorf("%s does not find %s", l.Search, l.Name)
		}
		if l.Technique == "" || l.First.After(l.Last) || l.Last.After(now) || l.First.Before(now.AddDate(0, 0, -7)) {
			t.Errorf("label %+v", l)
		}
		searches[l.Search] = true
	}
	for name := range guide {
		if !searches[name] {
			t.Errorf("no attack is staged for %s", name)
		}
	}
	for _, l := range lookalikes {
		n := finds(l)
		shown := l.Name == "single-sign-on" || l.Name == "mistyped-password"
		if l.Search != "" && (n > 0) != shown {
			t.Errorf("%s finds %d events of look-alike %s", l.Search, n, l.Name)
		}
	}
	for name, ids := range found {
		for _, id := range ids {
			if !explained[id] {
				t.Errorf("%s finds an unlabelled event: %v", name, events[id])
			}
		}
	}
}

// TestLoginFromNewCountry asks that the user's other logins come from one place, with MFA.
func TestLoginFromNewCountry(t *testing.T) {
	t.Parallel()
	cfg := small()
	trail, err := newTrail(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	var attack Label
	for _, d := range trail.plot.attacks {
		if d.Name == "login-from-new-country" {
			attack = d.Label
		}
	}
	user := attack.Actor[strings.LastIndex(attack.Actor, "/")+1:]
	sources := map[string]int{}
	for _, s := range trail.plot.scenes {
		if s.call.kind != nil && s.call.kind.name == "ConsoleLogin" && s.call.actor.name == user && s.call.vars["outcome"] == "Success" {
			sources[s.call.source+" "+s.call.vars["mfa"]]++
		}
	}
	if len(sources) != 2 || sources[attack.Source+" No"] != 1 {
		t.Errorf("logins of %s, attack from %s: %v", user, attack.Source, sources)
	}
	if !rangeVietnam.Contains(netip.MustParseAddr(attack.Source)) {
		t.Errorf("%s is not in the country that the label says", attack.Source)
	}
}

func TestThreatListHoldsTheBruteForce(t *testing.T) {
	t.Parallel()
	tree, sum := smallTrail()
	rows, err := csv.NewReader(bytes.NewReader(tree[ThreatsFile])).ReadAll()
	if err != nil || len(rows) < 30 || !slices.Equal(rows[0], []string{"ip", "country", "category"}) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	listed := map[string]bool{}
	for _, row := range rows[1:] {
		listed[row[0]] = true
	}
	for _, a := range sum.Attacks {
		if want := a.Name == "console-brute-force"; listed[a.Source] != want {
			t.Errorf("%s from %s: listed %v, want %v", a.Name, a.Source, listed[a.Source], want)
		}
	}
}
