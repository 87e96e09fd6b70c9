package incident

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"bluetrail/internal/vector"

	"github.com/google/go-cmp/cmp"
)

// sessionRecords are calls of alice from 198.51.100.7 and what grew out of them:
//   - she switches to a role in the console, which uses keys that no call issued;
//   - in the same second the role assumes another, as two accounts' trails have it;
//   - she signs in for a command line; - two sessions say that they assumed each other.
func sessionRecords() (list []string) {
	add := func(at, source, name, address, user, more string) {
		list = append(list, fmt.Sprintf(`{"eventVersion":"1.11","eventID":"33333333-3333-4333-8333-%012d","eventTime":"2026-03-02T%sZ","eventSource":"%s.amazonaws.com","eventName":"%s","sourceIPAddress":"%s","recipientAccountId":"111122223333","userIdentity":%s%s}`,
			len(list), at, source, name, address, user, more))
	}
	role := func(key, principal, began, more string) string {
		return fmt.Sprintf(`{"type":"AssumedRole","principalId":"%s","accountId":"111122223333","accessKeyId":"%s","sessionContext":{"attributes":{"creationDate":"2026-03-02T%sZ"}%s}}`, principal, key, began, more)
	}
	issue := func(key, principal string) string {
		return fmt.Sprintf(`,"responseElements":{"credentials":{"accessKeyId":"%s"},"assumedRoleUser":{"assumedRoleId":"%s"}}`, key, principal)
	}
	const here, there = "198.51.100.7", "203.0.113.9"
	const alice = `{"type":"IAMUser","principalId":"AIDAALICE","userName":"alice","accountId":"111122223333","accessKeyId":"AKIAALICE12345678901"}`
	add("09:00:00", "sts", "AssumeRole", here, alice, issue("ASIASWITCH0000000001", "AROASWITCH:alice"))
	add("09:00:00", "sts", "AssumeRole", here, `{"type":"AWSAccount","accountId":"111122223333"}`, issue("ASIASECOND0000000002", "AROASECOND:hop")) // the other account's
	add("09:00:00", "sts", "AssumeRole", here, role("ASIACONSOLE000000001", "AROASWITCH:alice", "09:00:00", ""), issue("ASIASECOND0000000002", "AROASECOND:hop"))
	add("09:01:00", "s3", "ListBuckets", here, role("ASIACONSOLE000000002", "AROASWITCH:alice", "09:00:00", ""), "")
	add("09:02:00", "s3", "DeleteBucket", there, role("ASIACONSOLE000000003", "AROASWITCH:alice", "09:00:00", ""), "")
	add("09:03:00", "s3", "GetBucketAcl", there, role("ASIACONSOLE000000004", "AROASWITCH:alice", "08:00:00", ""), "") // another session
	add("09:04:00", "s3", "PutBucketPolicy", there, role("ASIASECOND0000000002", "AROASECOND:hop", "09:00:00", ""), "")
	add("10:00:00", "signin", "CreateOAuth2Token", here, alice, `,"additionalEventData":{"signInSessionArn":"arn:aws:signin:us-east-1:111122223333:session/s1"}`)
	add("10:01:00", "iam", "ListUsers", there, role("ASIAOTHER00000000005", "AIDAALICE", "10:00:01", `,"signInSessionArn":"arn:aws:signin:us-east-1:111122223333:session/s1"`), "")
	add("11:00:00", "sts", "AssumeRole", here, role("ASIALOOP000000000001", "AROALOOP:a", "10:30:00", ""), issue("ASIALOOP000000000002", "AROALOOP:b"))
	add("11:00:00", "sts", "AssumeRole", here, role("ASIALOOP000000000002", "AROALOOP:b", "11:00:00", ""), issue("ASIALOOP000000000001", "AROALOOP:a"))
	return list
}

// outline writes a tree of nodes with their calls, a node a line.
func outline(n *Node, indent string) string {
	var calls []string
	for _, d := range n.Deeds {
		calls = append(calls, d.Text())
	}
	text := fmt.Sprintf("%s%s %s: %s\n", indent, n.Kind, n.Name, strings.Join(calls, "; "))
	for _, c := range n.Children {
		text += outline(c, indent+"  ")
	}
	return text
}

// TestTraceSessions: each call belongs to the session that made it, whatever key it used
// and from where, and each session to the one that started it, whatever the order.
func TestTraceSessions(t *testing.T) {
	want := map[string]string{
		"198.51.100.7": `address 198.51.100.7: AssumeRole ×2; CreateOAuth2Token
  key ASIASWITCH0000000001: AssumeRole; ListBuckets; DeleteBucket
    key ASIASECOND0000000002: PutBucketPolicy
  session arn:aws:signin:us-east-1:111122223333:session/s1: ListUsers
  key ASIALOOP000000000002: AssumeRole
    key ASIALOOP000000000001: AssumeRole
`,
		"ASIASWITCH0000000001": `key ASIASWITCH0000000001: AssumeRole; ListBuckets; DeleteBucket
  key ASIASECOND0000000002: PutBucketPolicy
`,
		"alice": `user alice: AssumeRole; CreateOAuth2Token
  key ASIASWITCH0000000001: AssumeRole; ListBuckets; DeleteBucket
    key ASIASECOND0000000002: PutBucketPolicy
  session arn:aws:signin:us-east-1:111122223333:session/s1: ListUsers
`,
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		records := sessionRecords()
		r.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		tr := newTrail()
		for _, raw := range records {
			tr.add(t, []byte(raw))
		}
		for thing, want := range want {
			if diff := cmp.Diff(want, outline(tr.trace(t, thing).Root, "")); diff != "" {
				t.Fatalf("%s (-want +got):\n%s", thing, diff)
			}
		}
	}
}

// TestTraceOfNames: the search for a name finds what reading all events finds.
func TestTraceOfNames(t *testing.T) {
	tr := newTrail()
	for i, user := range []string{
		`"userName":"alice"`,
		`"arn":"arn:aws:iam::111122223333:user/alice"`,
		`"arn":"arn:aws:iam::111122223333:user/people/alice"`,
		`"arn":"arn:aws:sts::111122223333:assumed-role/reader/alice"`,
		`"arn":"arn:aws:sts::111122223333:assumed-role/reader/alice@example.com"`,
		`"arn":"arn:aws:sts::111122223333:assumed-role/alice/s","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/alice"}}`,
		`"arn":"alice"`, `"arn":"alice@example.com"`,
		`"arn":"arn:aws:iam::111122223333:user/malice"`, // and near misses
		`"arn":"arn:aws:iam::111122223333:user/alice2"`,
		`"arn":"arn:aws:iam::111122223333:user/alice/bob"`,
		`"arn":"arn:aws:iam::111122223333:root"`,
		`"arn":"arn:aws:iam::111122223333:user/a*e"`,
		`"arn":"arn:aws:sts::111122223333:assumed-role/node/i-0123456789abcdef0"`,
	} {
		tr.add(t, fmt.Appendf(nil, `{"eventVersion":"1.11","eventID":"44444444-4444-4444-8444-%012d","eventTime":"2026-03-02T09:00:00Z","eventSource":"s3.amazonaws.com","eventName":"Call%02d","recipientAccountId":"111122223333","userIdentity":{%s}}`, i, i, user))
	}
	for name, calls := range map[string]int{"alice": 8, "root": 1, "a*e": 1, "i-0123456789abcdef0": 1, "nobody": 0} {
		all := NewTrace(name)
		tr.search(t, LinkSearch(), all.Link)
		all.Follow()
		tr.search(t, search("", traceFields...), all.Add)
		all.Done()
		got := tr.trace(t, name)
		if diff := cmp.Diff(outline(all.Root, ""), outline(got.Root, "")); diff != "" || len(got.Root.Deeds) != calls {
			t.Errorf("%s: %d calls, want %d; (-all +found):\n%s", name, len(got.Root.Deeds), calls, diff)
		}
		read := 0
		tr.search(t, got.Search(), func(b *vector.Batch) { read += b.Len })
		if read > calls && !strings.Contains(name, "*") {
			t.Errorf("the search for %s reads %d events, of which %d are its own", name, read, calls)
		}
	}
}
