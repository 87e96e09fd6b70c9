package example

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// at returns the value at a path, nil for none.
func at(m any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		in, _ := m.(map[string]any)
		m = in[key]
	}
	return m
}

func records(t *testing.T, event string) (out []map[string]any, after []time.Duration) {
	t.Helper()
	e, err := Read([]byte(event))
	if err != nil {
		t.Fatalf("%s: %v", event, err)
	}
	err = e.Each(func(raw []byte, d time.Duration) error {
		var m map[string]any
		if err := json.Unmarshal(raw, &m); err != nil {
			return err
		}
		out, after = append(out, m), append(after, d)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, after
}

func TestStandardRecord(t *testing.T) {
	const signin = `"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin"`
	for _, tt := range []struct {
		event, path string
		want        any
	}{
		{`{"eventName": "ListUsers"}`, "readOnly", true},
		{`{"eventName": "CreateUser"}`, "readOnly", false},
		{`{}`, "userIdentity.arn", "arn:aws:iam::111122223333:user/alice"},
		{`{}`, "awsRegion", "us-east-1"},
		{`{"awsRegion": null}`, "awsRegion", nil},
		{`{"userIdentity": null}`, "userIdentity", nil},
		{`{"userIdentity": {"type": "Unknown"}}`, "userIdentity.arn", nil},
		{`{"as": "bob", "userIdentity": {"userName": null, "accountId": "1"}}`, "userIdentity.userName", nil},
		{`{"as": "bob", "userIdentity": {"userName": null, "accountId": "1"}}`, "userIdentity.accountId", "1"},
		{`{"as": "bob", "userIdentity.invokedBy": "x"}`, "userIdentity.invokedBy", "x"},
		{`{"a": {"b": 1}, "a.c": 2}`, "a.c", 2.0},
		{`{"a.b.c": null}`, "a", nil},
		{`{"recipientAccountId": "444455556666"}`, "userIdentity.accountId", "444455556666"},
		{`{"as": "root"}`, "userIdentity.type", "Root"},
		{`{"as": "role:deploy"}`, "userIdentity.arn", "arn:aws:sts::111122223333:assumed-role/deploy/session"},
		{`{"as": "role:deploy/run-1"}`, "userIdentity.principalId", "AROAEXAMPLEDEPLOY:run-1"},
		{`{"as": "sso:bob"}`, "userIdentity.arn", "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Developer_0123456789abcdef/bob@example.com"},
		{`{"as": "center:bob"}`, "userIdentity.type", "IdentityCenterUser"},
		{`{"as": "console:bob"}`, "sessionCredentialFromConsole", "true"},
		{`{"as": "federated:eve"}`, "userIdentity.sessionContext.sessionIssuer.userName", "alice"},
		{`{"as": "service:ec2.amazonaws.com"}`, "sourceIPAddress", "ec2.amazonaws.com"},
		{`{"as": "service:ec2.amazonaws.com", "sourceIPAddress": "192.0.2.1"}`, "sourceIPAddress", "192.0.2.1"},
		{`{"as": "via:cloudformation.amazonaws.com"}`, "userIdentity.invokedBy", "cloudformation.amazonaws.com"},
		{`{"as": "instance:i-1"}`, "userIdentity.inScopeOf.credentialsIssuedTo", "arn:aws:ec2:us-east-1:111122223333:instance/i-1"},
		{`{"as": "function:orders"}`, "userIdentity.inScopeOf.issuerType", "AWS::Lambda::Function"},
		{`{"as": "github:example/app"}`, "userIdentity.userName", "repo:example/app:ref:refs/heads/main"},
		{`{"as": "account:444455556666"}`, "userIdentity.accountId", "444455556666"},
		{`{` + signin + `}`, "eventType", "AwsConsoleSignIn"},
		{`{` + signin + `}`, "userIdentity.accessKeyId", nil},
		{`{` + signin + `, "as": "federated:eve"}`, "userIdentity.accessKeyId", "ASIAEXAMPLEFEDERATED"},
		{`{"repeat": 2, "as": "bob"}`, "as", nil},
	} {
		got, _ := records(t, tt.event)
		if v := at(got[0], tt.path); v != tt.want {
			t.Errorf("%s: %s is %v, want %v", tt.event, tt.path, v, tt.want)
		}
	}
}

func TestRepeat(t *testing.T) {
	got, after := records(t, `{"repeat": 5, "every": "1h", "after": "2d", "vary": {"eventName": ["A", "B"], "requestParameters.name": ["x", null, "z"]}}`)
	names := ""
	for i, m := range got {
		names += m["eventName"].(string)
		if name, _ := at(m, "requestParameters.name").(string); name != []string{"x", "", "z", "x", ""}[i] {
			t.Errorf("record %d has the name %q", i, name)
		}
	}
	if names != "ABABA" || after[0] != 48*time.Hour || after[4] != time.Hour {
		t.Errorf("%s after %v", names, after)
	}
	if got, after := records(t, `{"vary": {"eventName": ["A", "B", "C"]}}`); len(got) != 3 || after[0] != time.Second || after[1] != time.Second {
		t.Errorf("vary alone gives %d records after %v", len(got), after)
	}
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct{ event, want string }{
		{`[]`, "must be a map"},
		{`{"as": "captain:bob"}`, "is no caller"},
		{`{"as": "role:"}`, "is no caller"},
		{`{"as": 7}`, "is no caller"},
		{`{"repeat": 0}`, "repeat must be"},
		{`{"repeat": 1e9}`, "repeat must be"},
		{`{"every": "soon"}`, "is not a number and a unit"},
		{`{"every": -1}`, "is not a number and a unit"},
		{`{"after": "9999999d"}`, "is not a number and a unit"},
		{`{"vary": []}`, "vary must be a map"},
		{`{"vary": {"eventName": []}}`, "must have a list"},
		{`{"eventName": "A", "eventName.b": 1}`, "is no map"},
		{`{"vary": {"eventName.b": [1]}, "eventName": "A"}`, "is no map"},
	} {
		if _, err := Read([]byte(tt.event)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.event, err, tt.want)
		}
	}
}
