package plan_test

import (
	"path/filepath"
	"testing"

	"bluetrail/internal/knowledge"
	"bluetrail/internal/plan"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store"
	"bluetrail/internal/store/files"
	"bluetrail/internal/vector"

	"github.com/google/go-cmp/cmp"
)

// TestRecordedAttacks finds the recorded attacks through data models and
// Security Lake names.
func TestRecordedAttacks(t *testing.T) {
	dir, err := testdataDir()
	if err != nil {
		t.Skip(err)
	}
	know, err := knowledge.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		file, search string
		want         []map[string]string
	}{
		{"aws.defense-evasion.cloudtrail-stop.json",
			"| tstats count from datamodel=Change.Auditing_Changes by All_Changes.command All_Changes.status",
			[]map[string]string{{"All_Changes.command": "StopLogging", "All_Changes.status": "success", "count": "1"}}},
		{"aws.defense-evasion.cloudtrail-stop.json",
			"`amazon_security_lake` api.operation=StopLogging | stats count by api.operation actor.user.type",
			[]map[string]string{{"api.operation": "StopLogging", "actor.user.type": "IAMUser", "count": "1"}}},
		{"aws.persistence.iam-create-admin-user.json",
			"| tstats count from datamodel=Change.Accounts_Created by All_Changes.command | `drop_dm_object_name(All_Changes)`",
			[]map[string]string{{"command": "CreateAccessKey", "count": "1"}, {"command": "CreateUser", "count": "1"}}},
		{"aws.exfiltration.ec2-security-group-open-port-22-ingress.json",
			"| tstats count from datamodel=Change.Network_Changes by All_Changes.direction All_Changes.protocol All_Changes.dest_port_range | `drop_dm_object_name(All_Changes)`",
			[]map[string]string{{"direction": "Inbound", "protocol": "tcp", "dest_port_range": "22-22", "count": "1"}}},
		{"aws.initial-access.console-login-without-mfa.json",
			"| tstats count from datamodel=Authentication.Successful_Authentication where Authentication.signature=ConsoleLogin by Authentication.authentication_method",
			[]map[string]string{{"Authentication.authentication_method": "SFA", "count": "1"}}},
		{"aws.persistence.sts-federation-token.json",
			"| from datamodel:Authentication | search signature=GetFederationToken | stats count by action",
			[]map[string]string{{"action": "success", "count": "1"}}},
	} {
		t.Run(tc.search, func(t *testing.T) {
			st, err := files.Open([]string{filepath.Join(dir, "stratus", tc.file)}, files.Options{Index: "aws"})
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			env := exec.NewEnv(detectionsEnd)
			env.Macros, env.Knowledge = know, know
			q, err := plan.Parse(tc.search, know)
			if err != nil {
				t.Fatal(err)
			}
			got := rowsOf(t, q, st, env)
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("rows (-want +got):\n%s", d)
			}
		})
	}
}

// rowsOf runs a search and returns the fields of its rows.
func rowsOf(t *testing.T, q *syntax.Query, st store.Store, env *exec.Env) (rows []map[string]string) {
	t.Helper()
	s, err := plan.Open(t.Context(), q, st, env)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := exec.Drain(t.Context(), s, func(b *vector.Batch) error {
		for i := range b.Len {
			row := map[string]string{}
			for _, c := range b.Cols {
				if v := c.At(i); !v.IsNull() {
					row[c.Name] = v.Text()
				}
			}
			rows = append(rows, row)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return rows
}
