package incident

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

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
