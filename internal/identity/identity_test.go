package identity

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const (
	alice  = `{"type":"IAMUser","principalId":"AIDAALICE1234567890AB","arn":"arn:aws:iam::111122223333:user/alice","accountId":"111122223333","accessKeyId":"AKIAALICE12345678901","userName":"alice"}`
	deploy = `{"type":"AssumedRole","principalId":"AROADEPLOY12345678901:ci-1","arn":"arn:aws:sts::444455556666:assumed-role/deploy/ci-1","accountId":"444455556666","accessKeyId":"ASIADEPLOY1234567890","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROADEPLOY12345678901","arn":"arn:aws:iam::444455556666:role/deploy","accountId":"444455556666","userName":"deploy"},"attributes":{"creationDate":"2026-03-02T09:00:00Z","mfaAuthenticated":"false"}}}`
	audit  = `{"type":"AssumedRole","principalId":"AROAAUDIT123456789012:s2","arn":"arn:aws:sts::777788889999:assumed-role/audit/s2","accountId":"777788889999","accessKeyId":"ASIAAUDIT12345678901","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAAUDIT123456789012","arn":"arn:aws:iam::777788889999:role/audit","accountId":"777788889999","userName":"audit"},"attributes":{"creationDate":"2026-03-02T09:10:00Z","mfaAuthenticated":"false"}}}`
	person = `{"type":"AssumedRole","principalId":"AROASSO12345678901234:eve@example.com","arn":"arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/eve@example.com","accountId":"111122223333","accessKeyId":"ASIAPERSON1234567890","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROASSO12345678901234","arn":"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef","accountId":"111122223333","userName":"AWSReservedSSO_Admin_0123456789abcdef"},"attributes":{"creationDate":"2026-03-02T08:00:00Z","mfaAuthenticated":"false"}%s}%s}`
	behalf = `,"onBehalfOf":{"userId":"90670000-aaaa-bbbb-cccc-000000000001","identityStoreArn":"arn:aws:identitystore::111122223333:identitystore/d-1"}`
)

// call is a record; more is JSON that goes behind its fields.
func call(user, at, name, more string) string {
	return fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":%s,"eventTime":"2026-03-02T%sZ","eventSource":"sts.amazonaws.com","eventName":"%s","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2","recipientAccountId":"111122223333"%s}`, user, at, name, more)
}

func issue(key, holder string) string {
	return fmt.Sprintf(`,"responseElements":{"credentials":{"accessKeyId":"%s"},"assumedRoleUser":{"assumedRoleId":"%s"},"federatedUser":{"federatedUserId":"%[2]s"}}`, key, holder)
}

func facts(t testing.TB, record string) *Facts {
	t.Helper()
	f := &Facts{}
	if err := Read([]byte(record), f); err != nil {
		t.Fatalf("%v in %s", err, record)
	}
	return f
}

// federated is the session of a federation token, without its issuer if user is "".
func federated(user string) string {
	issuer := ""
	if user != "" {
		issuer = fmt.Sprintf(`"sessionIssuer":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/%s","userName":"%[1]s"},`, user)
	}
	return `{"type":"FederatedUser","principalId":"111122223333:bob","arn":"arn:aws:sts::111122223333:federated-user/bob","accountId":"111122223333","accessKeyId":"ASIAFEDERATED1234567","sessionContext":{` + issuer + `"attributes":{"creationDate":"2026-03-02T09:00:00Z"}}}`
}

const assumedRoot = `{"type":"Root","principalId":"444455556666","arn":"arn:aws:iam::444455556666:root","accountId":"444455556666","accessKeyId":"ASIAROOT123456789012","sessionContext":{"attributes":{"creationDate":"2026-03-02T09:00:00Z"},"assumedRoot":"true"}}`

// TestWhoIsBehind covers every kind of caller: the last record of each case is
// the one resolved.
func TestWhoIsBehind(t *testing.T) {
	aliceARN := "arn:aws:iam::111122223333:user/alice"
	for _, c := range []struct {
		name                 string
		records              []string
		actor, kind, session string
		chain                string
		uncertain            bool
	}{
		{name: "user", records: []string{call(alice, "09:00:30", "ListUsers", "")}, actor: aliceARN, kind: TypeUser, chain: "alice", session: "AKIAALICE12345678901@2026-03-02T09:00:00Z"},
		{name: "root", records: []string{call(`{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"}`, "09:00:00", "ListUsers", "")},
			actor: "arn:aws:iam::111122223333:root", kind: TypeRoot, chain: "root of 111122223333", session: "111122223333@2026-03-02T09:00:00Z"},
		{name: "role", records: []string{call(alice, "09:00:00", "AssumeRole", issue("ASIADEPLOY1234567890", "AROADEPLOY12345678901:ci-1")), call(deploy, "09:01:00", "ListUsers", "")},
			actor: aliceARN, kind: TypeUser, chain: "role deploy, session ci-1, assumed by alice from 198.51.100.7", session: "AROADEPLOY12345678901:ci-1@2026-03-02T09:00:00Z"},
		{name: "role without its start", records: []string{call(deploy, "09:01:00", "ListUsers", "")}, actor: "arn:aws:iam::444455556666:role/deploy", kind: TypeRole, uncertain: true,
			chain: "role deploy, session ci-1 (uncertain: who started the session is not in the records)", session: "AROADEPLOY12345678901:ci-1@2026-03-02T09:00:00Z"},
		{name: "role chaining", records: []string{call(alice, "09:00:00", "AssumeRole", issue("ASIADEPLOY1234567890", "AROADEPLOY12345678901:ci-1")),
			call(deploy, "09:10:00", "AssumeRole", issue("ASIAAUDIT12345678901", "AROAAUDIT123456789012:s2")), call(audit, "09:11:00", "ListUsers", "")},
			actor: aliceARN, kind: TypeUser, session: "AROAAUDIT123456789012:s2@2026-03-02T09:10:00Z",
			chain: "role audit, session s2, assumed by role deploy, session ci-1 from 198.51.100.7, assumed by alice from 198.51.100.7"},
		{name: "session name only", records: []string{call(alice, "08:00:00", "AssumeRole", issue("ASIAOTHER12345678901", "AROADEPLOY12345678901:ci-1")), call(deploy, "09:01:00", "ListUsers", "")},
			actor: aliceARN, kind: TypeUser, uncertain: true, chain: "role deploy, session ci-1, assumed by alice (uncertain: by the name of the session)", session: "AROADEPLOY12345678901:ci-1@2026-03-02T09:00:00Z"},
		{name: "SAML", records: []string{call(`{"type":"SAMLUser","principalId":"x:carol","userName":"carol@example.org","identityProvider":"x"}`, "09:00:00", "AssumeRoleWithSAML", issue("ASIADEPLOY1234567890", "AROADEPLOY12345678901:ci-1")), call(deploy, "09:01:00", "ListUsers", "")},
			actor: "carol@example.org", kind: TypeSAML, chain: "role deploy, session ci-1, assumed by carol@example.org from 198.51.100.7", session: "AROADEPLOY12345678901:ci-1@2026-03-02T09:00:00Z"},
		{name: "OIDC", records: []string{call(`{"type":"WebIdentityUser","principalId":"p","userName":"repo:acme/app:ref:refs/heads/main","identityProvider":"arn:aws:iam::1:oidc-provider/token.actions.githubusercontent.com"}`, "09:00:00", "AssumeRoleWithWebIdentity", issue("ASIADEPLOY1234567890", "AROADEPLOY12345678901:ci-1")), call(deploy, "09:01:00", "ListUsers", "")},
			actor: "repo:acme/app:ref:refs/heads/main", kind: TypeOIDC, chain: "role deploy, session ci-1, assumed by repo:acme/app:ref:refs/heads/main from 198.51.100.7", session: "AROADEPLOY12345678901:ci-1@2026-03-02T09:00:00Z"},
		{name: "federation token", records: []string{call(alice, "09:00:00", "GetFederationToken", issue("ASIAFEDERATED1234567", "111122223333:bob")), call(federated("alice"), "09:01:00", "ListUsers", "")},
			actor: aliceARN, kind: TypeUser, chain: "federated user bob, with credentials issued to alice from 198.51.100.7", session: "111122223333:bob@2026-03-02T09:00:00Z"},
		{name: "federated without issuer", records: []string{call(federated(""), "09:01:00", "ListUsers", "")}, actor: "arn:aws:sts::111122223333:federated-user/bob", kind: TypeFederated, uncertain: true,
			chain: "federated user bob (uncertain: who started the session is not in the records)", session: "111122223333:bob@2026-03-02T09:00:00Z"},
		{name: "session token", records: []string{call(alice, "09:00:00", "GetSessionToken", issue("ASIASESSION123456789", "")), call(strings.Replace(alice, "AKIAALICE12345678901", "ASIASESSION123456789", 1), "09:05:00", "ListUsers", "")},
			actor: aliceARN, kind: TypeUser, chain: "alice, with credentials issued to alice from 198.51.100.7", session: "ASIASESSION123456789"},
		{name: "created key", records: []string{call(alice, "09:00:00", "CreateAccessKey", `,"responseElements":{"accessKey":{"accessKeyId":"AKIABACKUP1234567890"}}`),
			call(`{"type":"IAMUser","principalId":"AIDABACKUP","arn":"arn:aws:iam::111122223333:user/backup","accountId":"111122223333","accessKeyId":"AKIABACKUP1234567890","userName":"backup"}`, "09:05:00", "ListUsers", "")},
			actor: "arn:aws:iam::111122223333:user/backup", kind: TypeUser, chain: "backup, with a key created by alice from 198.51.100.7", session: "AKIABACKUP1234567890@2026-03-02T09:05:00Z"},
		{name: "console of a federation token", records: []string{call(alice, "09:00:00", "GetFederationToken", issue("ASIAFEDERATED1234567", "111122223333:bob")),
			call(strings.Replace(federated("alice"), "ASIAFEDERATED1234567", "ASIACONSOLE123456789", 1), "09:01:00", "ListUsers", "")},
			actor: aliceARN, kind: TypeUser, chain: "federated user bob, with credentials issued to alice from 198.51.100.7", session: "111122223333:bob@2026-03-02T09:00:00Z"},
		{name: "console of a role, by the start of its session", records: []string{call(alice, "09:00:00", "AssumeRole", issue("ASIAOTHER12345678901", "AROADEPLOY12345678901:ci-1")),
			call(alice, "08:00:00", "AssumeRole", issue("ASIAOTHER12345678902", "AROADEPLOY12345678901:ci-1")), call(deploy, "09:01:00", "ListUsers", "")},
			actor: aliceARN, kind: TypeUser, chain: "role deploy, session ci-1, assumed by alice from 198.51.100.7", session: "AROADEPLOY12345678901:ci-1@2026-03-02T09:00:00Z"},
		{name: "a grant that the session renews", records: []string{call(alice, "07:00:00", "CreateOAuth2Token", `,"additionalEventData":{"signInSessionArn":"arn:aws:signin:eu-central-1:111122223333:session/u1"}`),
			call(fmt.Sprintf(person, `,"signInSessionArn":"arn:aws:signin:eu-central-1:111122223333:session/u1"`, ""), "08:30:00", "CreateOAuth2Token", `,"additionalEventData":{"signInSessionArn":"arn:aws:signin:eu-central-1:111122223333:session/u1"}`)},
			actor: aliceARN, kind: TypeUser, chain: "role AWSReservedSSO_Admin_0123456789abcdef, session eve@example.com, signed in by alice from 198.51.100.7", session: "arn:aws:signin:eu-central-1:111122223333:session/u1"},
		{name: "a grant that the session renews alone", records: []string{
			call(fmt.Sprintf(person, `,"signInSessionArn":"arn:aws:signin:eu-central-1:111122223333:session/u1"`, ""), "08:30:00", "CreateOAuth2Token", `,"additionalEventData":{"signInSessionArn":"arn:aws:signin:eu-central-1:111122223333:session/u1"}`)},
			actor: "eve@example.com", kind: TypeCenterUser, chain: "role AWSReservedSSO_Admin_0123456789abcdef, session eve@example.com", session: "arn:aws:signin:eu-central-1:111122223333:session/u1"},
		{name: "assumed root", records: []string{call(alice, "09:00:00", "AssumeRoot", issue("ASIAROOT123456789012", "")), call(assumedRoot, "09:00:20", "DeleteBucketPolicy", "")},
			actor: aliceARN, kind: TypeUser, chain: "assumed root of 444455556666, assumed by alice from 198.51.100.7", session: "444455556666@2026-03-02T09:00:00Z"},
		{name: "assumed root alone", records: []string{call(assumedRoot, "09:00:20", "DeleteBucketPolicy", "")}, actor: "arn:aws:iam::444455556666:root", kind: TypeAssumedRoot, uncertain: true,
			chain: "assumed root of 444455556666 (uncertain: who started the session is not in the records)", session: "444455556666@2026-03-02T09:00:00Z"},
		{name: "console, one session with many keys", records: []string{call(fmt.Sprintf(person, `,"signInSessionArn":"arn:aws:signin:eu-central-1:111122223333:session/u1"`, ""), "08:01:00", "ListUsers", ""),
			call(strings.Replace(fmt.Sprintf(person, "", ""), "ASIAPERSON1234567890", "ASIAPERSON9999999999", 1), "08:02:00", "ListUsers", "")},
			actor: "eve@example.com", kind: TypeCenterUser, chain: "role AWSReservedSSO_Admin_0123456789abcdef, session eve@example.com", session: "arn:aws:signin:eu-central-1:111122223333:session/u1"},
		{name: "Identity Center", records: []string{call(fmt.Sprintf(person, "", behalf), "08:01:00", "ListUsers", ""), call(`{"type":"IdentityCenterUser","accountId":"111122223333"`+behalf+`}`, "08:02:00", "UserAuthentication", "")},
			actor: "eve@example.com", kind: TypeCenterUser, chain: "90670000-aaaa-bbbb-cccc-000000000001", session: "90670000-aaaa-bbbb-cccc-000000000001@2026-03-02T08:02:00Z"},
		{name: "source identity", records: []string{call(strings.Replace(deploy, `"attributes"`, `"sourceIdentity":"dave","attributes"`, 1), "09:01:00", "ListUsers", "")},
			actor: "dave", kind: TypeRole, chain: "role deploy, session ci-1, with the source identity dave", session: "AROADEPLOY12345678901:ci-1@2026-03-02T09:00:00Z"},
		{name: "MCP", records: []string{strings.Replace(call(alice, "09:00:00", "CallReadWriteTool", `,"additionalEventData":{"downstreamRequests":[{"apiName":"iam:ListUsers","requestId":"r-1"}]}`), "sts.amazonaws.com", MCPServer, 1),
			call(strings.Replace(deploy, `{"type"`, `{"invokedBy":"aws-mcp.amazonaws.com","type"`, 1), "09:00:01", "ListUsers", `,"requestID":"r-1"`)},
			actor: aliceARN, kind: TypeUser, chain: "role deploy, session ci-1, through the AWS MCP server for alice from 198.51.100.7", session: "AROADEPLOY12345678901:ci-1@2026-03-02T09:00:00Z"},
		{name: "service", records: []string{call(`{"type":"AWSService","invokedBy":"config.amazonaws.com"}`, "09:00:00", "AssumeRole", "")}, actor: "config.amazonaws.com", kind: TypeService, chain: "config.amazonaws.com", session: "config.amazonaws.com/111122223333@2026-03-02T09:00:00Z"},
		{name: "role started by a service", records: []string{call(`{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}`, "09:00:00", "AssumeRole", issue("ASIADEPLOY1234567890", "AROADEPLOY12345678901:ci-1")), call(deploy, "09:01:00", "ListUsers", "")},
			actor: "arn:aws:iam::444455556666:role/deploy", kind: TypeRole, chain: "role deploy, session ci-1, assumed by ec2.amazonaws.com from 198.51.100.7", session: "AROADEPLOY12345678901:ci-1@2026-03-02T09:00:00Z"},
		{name: "anonymous", records: []string{call(`{"type":"AWSAccount","principalId":"","accountId":"anonymous"}`, "09:00:00", "GetObject", "")}, actor: "anonymous", kind: TypeAnonymous, chain: "account anonymous", session: "AWSAccount/anonymous/@2026-03-02T09:00:00Z"},
		{name: "foreign account", records: []string{call(`{"type":"AWSAccount","principalId":"AIDAOUTSIDE1234567890","accountId":"999900001111"}`, "09:00:00", "PutObject", "")},
			actor: "999900001111/AIDAOUTSIDE1234567890", kind: TypeAccount, chain: "account 999900001111", session: "AIDAOUTSIDE1234567890@2026-03-02T09:00:00Z"},
		{name: "delegate", records: []string{call(strings.Replace(deploy, `{"type"`, `{"invokedByDelegate":{"accountId":"123456789012"},"type"`, 1), "09:00:00", "ListUsers", "")},
			actor: "123456789012", kind: TypeDelegate, chain: "role deploy, session ci-1", session: "AROADEPLOY12345678901:ci-1@2026-03-02T09:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			trail := NewTrail(0)
			var last *Facts
			for _, r := range c.records {
				last = facts(t, r)
				trail.Add(last)
			}
			w := trail.Resolve(&last.Caller)
			got := []string{w.Actor, w.Type, w.Session, w.String(), fmt.Sprint(!w.Certain)}
			if diff := cmp.Diff([]string{c.actor, c.kind, c.session, c.chain, fmt.Sprint(c.uncertain)}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestOrderAndSplitDoNotMatter: any order, split and repetition of records gives
// the same actors and sessions, through rows as through Merge and Absorb.
func TestOrderAndSplitDoNotMatter(t *testing.T) {
	var pool []*Facts
	for _, who := range []string{alice, deploy, audit, fmt.Sprintf(person, "", ""), fmt.Sprintf(person, `,"signInSessionArn":"arn:aws:signin:eu-central-1:1:session/u1"`, behalf)} {
		for _, key := range []string{"", "ASIADEPLOY1234567890", "ASIAAUDIT12345678901", "ASIAPERSON1234567890"} {
			for _, at := range []string{"08:00:00", "08:29:00", "09:05:00", "11:00:00"} {
				more := ""
				if key != "" {
					more = issue(key, "AROADEPLOY12345678901:ci-1")
				}
				pool = append(pool, facts(t, call(who, at, "AssumeRole", more)))
			}
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		chosen := rapid.SliceOfN(rapid.SampledFrom(pool), 1, 40).Draw(rt, "records")
		want := NewTrail(0)
		for _, f := range chosen {
			want.Add(f)
		}
		parts := []*Trail{NewTrail(0), NewTrail(0), NewTrail(0)}
		for _, f := range append(rapid.Permutation(chosen).Draw(rt, "order"), chosen[0]) {
			parts[rapid.IntRange(0, 2).Draw(rt, "part")].Add(f)
		}
		parts[0].Merge(parts[1])
		for _, r := range parts[2].Changed() {
			if err := parts[0].Restore(r); err != nil {
				rt.Fatal(err)
			}
		}
		for _, f := range chosen {
			if diff := cmp.Diff(want.Resolve(&f.Caller), parts[0].Resolve(&f.Caller)); diff != "" {
				rt.Fatal(diff)
			}
		}
		absorbed := NewTrail(0)
		absorbed.Absorb(parts[1]) // before parts[0], which knows all of it
		absorbed.Absorb(parts[0])
		for _, f := range chosen {
			if diff := cmp.Diff(want.Resolve(&f.Caller), absorbed.Resolve(&f.Caller)); diff != "" {
				rt.Fatal(diff)
			}
		}
	})
}

// TestChangedRowsSuffice: rows kept as they change, dropped ones included, make
// the same trail again.
func TestChangedRowsSuffice(t *testing.T) {
	trail := NewTrail(32 << 10)
	kept := map[rowID][]byte{}
	for i := range 200 {
		trail.Add(facts(t, call(alice, "09:00:00", "AssumeRole", issue(fmt.Sprintf("ASIAMANY%012d", i), ""))))
		if i%20 != 0 {
			continue
		}
		changes := trail.Changed()
		if i > 0 && len(changes) >= len(trail.rows)+trail.Dropped() {
			t.Errorf("%d changes for 20 records", len(changes))
		}
		for _, r := range changes {
			if r.Value == nil {
				delete(kept, rowID{r.Kind, r.Key})
			} else {
				kept[rowID{r.Kind, r.Key}] = r.Value
			}
		}
	}
	for _, r := range trail.Changed() {
		if r.Value == nil {
			delete(kept, rowID{r.Kind, r.Key})
		} else {
			kept[rowID{r.Kind, r.Key}] = r.Value
		}
	}
	if trail.Dropped() == 0 || len(kept) != len(trail.rows) {
		t.Errorf("%d rows are kept of %d, %d dropped", len(kept), len(trail.rows), trail.Dropped())
	}
	again := NewTrail(0)
	for id, value := range kept {
		if err := again.Restore(Row{id.kind, id.key, value}); err != nil {
			t.Fatal(err)
		}
	}
	for id, r := range trail.rows {
		if other := again.rows[id]; other == nil || string(other.encode()) != string(r.encode()) {
			t.Errorf("row %v is not the same again", id)
		}
	}
}

func TestCallerRoundTrip(t *testing.T) {
	c := facts(t, call(fmt.Sprintf(person, `,"signInSessionArn":"arn:x"`, behalf), "08:00:00", "ListUsers", `,"sessionCredentialFromConsole":"true"`)).Caller
	b, err := c.AppendBinary([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	var got Caller
	if rest, err := got.Decode(string(b[1:]) + "rest"); err != nil || rest != "rest" || got != c {
		t.Errorf("%v, rest %q:\n%s", err, rest, cmp.Diff(c, got))
	}
	for n := range len(b) - 1 {
		if _, err := got.Decode(string(b[1 : 1+n])); err == nil {
			t.Errorf("%d of %d bytes decode", n, len(b)-1)
		}
	}
}

// TestHostileRecords: circles end, masked keys join nobody, huge values and many
// rows are bounded.
func TestHostileRecords(t *testing.T) {
	trail := NewTrail(0)
	trail.Add(facts(t, call(deploy, "09:00:00", "AssumeRole", issue("ASIAAUDIT12345678901", "AROAAUDIT123456789012:s2"))))
	trail.Add(facts(t, call(audit, "09:00:00", "AssumeRole", issue("ASIADEPLOY1234567890", "AROADEPLOY12345678901:ci-1"))))
	if w := trail.Resolve(&facts(t, call(deploy, "09:01:00", "ListUsers", "")).Caller); w.Certain || len(w.Chain) > 4 {
		t.Errorf("a circle gives %q", w.String())
	}
	trail.Add(facts(t, call(alice, "09:00:00", "AssumeRole", issue("ASIAAUDIT12345678901", ""))))
	if w := trail.Resolve(&facts(t, call(audit, "09:11:00", "ListUsers", "")).Caller); w.Note != "two possible parents" {
		t.Errorf("two parents give %q", w.Note)
	}
	if f := facts(t, call(alice, "09:00:00", "AssumeRole", issue("ASIA****************", ""))); len(f.Links) != 0 {
		t.Errorf("a masked key issues %v", f.Links)
	}
	huge := strings.Repeat("x", 1<<20)
	f := facts(t, call(strings.ReplaceAll(alice, "alice", huge), "09:00:00", "ListUsers", ""))
	if n := len(f.Caller.ARN); n > maxText {
		t.Errorf("an ARN has %d bytes", n)
	}
	small := NewTrail(64 << 10)
	for i := range 2000 {
		small.Add(facts(t, call(alice, "09:00:00", "AssumeRole", issue(fmt.Sprintf("ASIAMANY%012d", i), ""))))
	}
	if small.size > small.limit || small.Dropped() == 0 {
		t.Errorf("%d bytes are kept within %d, %d rows dropped", small.size, small.limit, small.Dropped())
	}
	for _, raw := range []string{`[]`, `{"userIdentity":`, ``} {
		if Read([]byte(raw), &Facts{}) == nil {
			t.Errorf("%q reads", raw)
		}
	}
	for _, raw := range []string{`{}`, `{"userIdentity":7}`, `{"userIdentity":{"type":{},"sessionContext":[]}}`} {
		f := facts(t, raw)
		NewTrail(0).Add(f)
	}
}

// TestRecordings: the same person is behind every call of each recorded attack.
func TestRecordings(t *testing.T) {
	dir := os.Getenv("BLUETRAIL_TESTDATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	files, _ := filepath.Glob(filepath.Join(dir, "stratus", "*.json"))
	if len(files) == 0 {
		t.Skip("the recordings are not here; set BLUETRAIL_TESTDATA to their directory")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var records []json.RawMessage
		if err := json.Unmarshal(text, &records); err != nil {
			t.Fatal(err)
		}
		trail := NewTrail(0)
		for _, r := range records {
			trail.Add(facts(t, string(r)))
		}
		actors := map[string]bool{}
		for _, r := range records {
			w := trail.Resolve(&facts(t, string(r)).Caller)
			actors[w.Actor] = true
			if w.Type != TypeUser || !w.Certain || w.Session == "" {
				t.Errorf("%s: %q, %s, session %q", filepath.Base(file), w.String(), w.Type, w.Session)
			}
		}
		if len(actors) != 1 {
			t.Errorf("%s: the actors are %v", filepath.Base(file), actors)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	raw := []byte(call(deploy, "09:00:00", "ListUsers", `,"requestParameters":{"maxItems":100},"responseElements":null`))
	b.SetBytes(int64(len(raw)))
	var f Facts
	for b.Loop() {
		if err := Read(raw, &f); err != nil {
			b.Fatal(err)
		}
	}
}
