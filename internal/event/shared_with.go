package event

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"bluetrail/internal/jsonscan"
)

func init() {
	Register(Field{Name: "shared_with", Group: GroupRecord, Type: Text, OnRequest: true, member: "requestParameters", made: sharedWith,
		Doc: "Whom the call asks to let in from outside the account, by a resource policy or by sharing an image, a snapshot, a document, a function or a key: ids of accounts, or `*` for everybody. Statements that deny do not count; everybody under a condition that limits it to an account, an organization or a network does not count, either."})
}

// maxShared bounds the values of the field shared_with.
const maxShared = 100

// grantees are the parameters that name accounts or principals to let in. Names of
// members below them do not matter.
var grantees = []string{
	"launchPermission", "createVolumePermission", // ModifyImageAttribute, ModifySnapshotAttribute
	"valuesToAdd",              // ModifyDBSnapshotAttribute, ModifyDBClusterSnapshotAttribute
	"accountIdsToAdd",          // ModifyDocumentPermission
	"accountWithRestoreAccess", // AuthorizeSnapshotAccess
	"principal",                // AddPermission, AddLayerVersionPermission
	"granteePrincipal",         // CreateGrant
	"principals",               // CreateResourceShare, AssociateResourceShare
	"aWSAccountIds",            // AddPermission of SNS and SQS
	"aWSAccountId",
}

// limits are parameters beside a grantee that say for whom it stands.
var limits = []string{"sourceArn", "sourceAccount", "principalOrgID", "organizationId"}

// limiting are parts of condition keys that confine everybody to somebody, in lower case.
var limiting = []string{
	"sourcearn", "sourceaccount", "sourceorg", "principalorg", "principalarn", "principalaccount", "principaltag", "principalisawsservice", "calleraccount",
	"viaservice", "sourcevpc", "sourceip", "userid", "username", "dataaccesspointaccount", "aws:viaawsservice", "resourceorg",
}

var (
	accountArn   = regexp.MustCompile(`^arn:aws[a-z-]*:(?:iam|sts)::([0-9]{12}):`)
	twelveDigits = regexp.MustCompile(`^[0-9]{12}$`)
)

// sharedWith reads the parameters of a call and the policies within them.
func sharedWith(raw []byte) Cell {
	text := memberText(raw, "requestParameters")
	if !text.Set || len(text.Text) > 1<<20 {
		return Cell{}
	}
	var params any
	if json.Unmarshal([]byte(text.Text), &params) != nil {
		return Cell{}
	}
	s := &shares{own: jsonscan.Scalar([]byte(memberText(raw, "recipientAccountId").Text)), with: map[string]bool{}}
	s.walk(params, 0)
	var list Cell
	for _, name := range slices.Sorted(maps.Keys(s.with)) {
		list.add(name)
	}
	return list
}

// shares collects whom a call lets in.
type shares struct {
	own  string // account
	with map[string]bool
}

func (s *shares) add(principal string) {
	id := principal
	if m := accountArn.FindStringSubmatch(principal); m != nil {
		id = m[1]
	}
	if len(s.with) < maxShared && id != s.own && (id == "*" || twelveDigits.MatchString(id)) {
		s.with[id] = true
	}
}

// walk looks for grantees and policies in parameters.
func (s *shares) walk(v any, depth int) {
	if depth > 8 {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		if statements, ok := v["Statement"]; ok {
			s.policy(statements)
			return
		}
		limited := slices.ContainsFunc(limits, func(key string) bool { return v[key] != nil && v[key] != "" }) || v["functionUrlAuthType"] == "AWS_IAM"
		for key, of := range v {
			if slices.Contains(grantees, key) {
				s.grantee(of, limited)
			}
			s.walk(of, depth+1)
		}
	case []any:
		for _, of := range v {
			s.walk(of, depth+1)
		}
	case string:
		if !strings.Contains(v, `"Statement"`) {
			return
		}
		var policy struct{ Statement any }
		if json.Unmarshal([]byte(v), &policy) == nil {
			s.policy(policy.Statement)
		}
	}
}

// grantee reads a parameter that names whom to let in. What is removed does not count.
func (s *shares) grantee(v any, limited bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, of := range v {
			if key != "remove" {
				s.grantee(of, limited)
			}
		}
	case []any:
		for _, of := range v {
			s.grantee(of, limited)
		}
	case string:
		if v == "all" || v == "All" {
			v = "*"
		}
		if v != "*" || !limited {
			s.add(v)
		}
	}
}

// policy reads the statements of a policy: one, or a list.
func (s *shares) policy(statements any) {
	for _, of := range listed(statements) {
		st, ok := of.(map[string]any)
		if effect, _ := st["Effect"].(string); !ok || !strings.EqualFold(effect, "Allow") {
			continue
		}
		principal, limited := st["Principal"], confined(st["Condition"])
		if st["NotPrincipal"] != nil {
			principal = "*"
		}
		if m, ok := principal.(map[string]any); ok {
			principal = m["AWS"]
		}
		for _, p := range listed(principal) {
			if name, ok := p.(string); ok && (name != "*" || !limited) {
				s.add(name)
			}
		}
	}
}

// confined reports whether a condition limits a statement to somebody.
func confined(condition any) bool {
	operators, _ := condition.(map[string]any)
	for _, keys := range operators {
		keys, _ := keys.(map[string]any)
		for key := range keys {
			lower := strings.ToLower(key)
			if slices.ContainsFunc(limiting, func(part string) bool { return strings.Contains(lower, part) }) {
				return true
			}
		}
	}
	return false
}

// listed returns the elements of a list, or a single value as a list.
func listed(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}
