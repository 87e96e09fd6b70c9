package hunt

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/knowledge"
	"bluetrail/rules"
)

// recorded are the rules that must find the recordings of attacks.
var recorded = map[string]string{
	"aws.credential-access.secretsmanager-retrieve-secrets":    "many_secrets_read",
	"aws.defense-evasion.cloudtrail-stop":                      "trail_stopped",
	"aws.defense-evasion.vpc-remove-flow-logs":                 "flow_logs_deleted",
	"aws.discovery.ec2-download-user-data":                     "user_data_downloaded",
	"aws.execution.ec2-launch-unusual-instances":               "costly_instances_denied",
	"aws.execution.ssm-start-session":                          "sessions_on_many_instances",
	"aws.exfiltration.ec2-security-group-open-port-22-ingress": "port_opened_to_world",
	"aws.exfiltration.ec2-share-ebs-snapshot":                  "snapshot_shared",
	"aws.initial-access.console-login-without-mfa":             "console_login_without_mfa",
	"aws.persistence.iam-create-admin-user":                    "admin_policy_attached",
	"aws.persistence.lambda-backdoor-function":                 "function_opened",
	"aws.persistence.sts-federation-token":                     "federation_token_unlimited",
}

func shipped(t *testing.T) *ruleset.Ruleset {
	t.Helper()
	rs, err := ruleset.Load(t.Context(), nil, ruleset.Options{
		Shipped: rules.Files, Knowledge: func(folders []string) (splrule.Knowledge, error) { return knowledge.Open(folders...) },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rs.Faults {
		t.Error(f)
	}
	return rs
}

// data returns the path of a recording.
func data(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("BLUETRAIL_TESTDATA")
	if dir == "" {
		dir = "../../../../shared/data"
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the recordings are absent (set BLUETRAIL_TESTDATA): %v", err)
	}
	return path
}

// TestRecordedAttacks hunts with the shipped rules through recordings of attacks.
func TestRecordedAttacks(t *testing.T) {
	rs := shipped(t)
	for file, want := range recorded {
		t.Run(file, func(t *testing.T) {
			var found []string
			for _, f := range run(t, rs, data(t, "stratus/"+file+".json"), 1, withSearches(t, rs)).Findings {
				at := slices.IndexFunc(rs.Rules, func(r ruleset.Rule) bool { return r.ID == f.RuleID })
				found = append(found, rs.Rules[at].Name)
			}
			if !slices.Contains(found, want) {
				t.Errorf("found %q, not %s", found, want)
			}
		})
	}
}

// TestEverydayRecords hunts through the records of quiet accounts, where nothing above
// low may be found.
func TestEverydayRecords(t *testing.T) {
	rs := shipped(t)
	for _, file := range []string{"benign-840.ndjson.gz", "students-142.ndjson.gz"} {
		for _, f := range run(t, rs, data(t, file), 1, withSearches(t, rs)).Findings {
			if f.Severity.Rank() > rule.Low.Rank() {
				t.Errorf("%s: %s finding of %q about %s", file, f.Severity, f.Rule, f.Entity)
			}
		}
	}
}
