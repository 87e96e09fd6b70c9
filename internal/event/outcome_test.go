package event

import (
	"testing"
)

func TestOutcome(t *testing.T) {
	const named = `"eventVersion":"1.09","eventName":"X"`
	for _, tt := range []struct{ raw, want string }{
		{`{` + named + `}`, Success},
		{`{` + named + `,"errorCode":""}`, Success},
		{`{` + named + `,"errorCode":null}`, Success},
		{`{` + named + `,"errorCode":"AccessDenied"}`, Denied},
		{`{` + named + `,"errorCode":"AccessDeniedException"}`, Denied},
		{`{` + named + `,"errorCode":"Client.UnauthorizedOperation"}`, Denied},
		{`{` + named + `,"errorCode":"UnauthorizedOperation"}`, Denied},
		{`{` + named + `,"errorCode":"Server.AccessDenied"}`, Denied},
		{`{` + named + `,"errorCode":"VpceAccessDenied"}`, Denied},
		{`{` + named + `,"errorCode":"NotAuthorizedException"}`, Denied},
		{`{` + named + `,"errorCode":"NoSuchEntityException"}`, Failed},
		{`{` + named + `,"errorCode":"Client.DryRunOperation"}`, Failed},
		{`{` + named + `,"errorCode":"ThrottlingException"}`, Failed},
		{`{` + named + `,"responseElements":{"ConsoleLogin":"Failure"}}`, Denied},
		{`{` + named + `,"responseElements":{"ConsoleLogin":"Success"}}`, Success},
		{`{` + named + `,"serviceEventDetails":{"CredentialVerification":"Failure"}}`, Denied},
		{`{` + named + `,"responseElements":null}`, Success},
		{`{"eventVersion":"1.09","eventType":"AwsCloudTrailInsight"}`, ""},
	} {
		if got := Outcome([]byte(tt.raw)); got != tt.want {
			t.Errorf("Outcome of %s is %q, want %q", tt.raw, got, tt.want)
		}
		x := NewExtractor([]string{"outcome"})
		row := x.NewRow()
		if err := x.Extract([]byte(tt.raw), &Meta{Sourcetype: CloudTrail}, row); err != nil {
			t.Fatal(err)
		}
		if got := row.Cell(0).Text; got != tt.want {
			t.Errorf("the field outcome of %s is %q, want %q", tt.raw, got, tt.want)
		}
	}
	for _, bad := range []string{``, `[]`, `{"eventName":"X"`, `{"eventName"}`, `{}`} {
		if got := Outcome([]byte(bad)); got != "" {
			t.Errorf("Outcome of %q is %q", bad, got)
		}
	}
}

func TestAgent(t *testing.T) {
	for _, tt := range []struct{ ua, tool, version, command string }{
		{"aws-cli/2.17.32 md/awscrt#0.21.2 ua/2.0 os/linux md/prompt#off md/command#iam.create-user", "aws-cli", "2.17.32", "iam.create-user"},
		{"aws-cli/2.7.3 Python/3.9.13 Darwin/21.5.0 prompt/off command/waf.delete-rule", "aws-cli", "2.7.3", "waf.delete-rule"},
		{"[aws-cli/1.16.2 Python/2.7 command/s3.cp]", "aws-cli", "1.16.2", "s3.cp"},
		{"aws-cli/2.31.1 exec-env/CloudShell md/command#ec2.describe-hosts", "CloudShell", "2.31.1", "ec2.describe-hosts"},
		{"Boto3/1.18.55 Python/3.9.8 Botocore/1.21.55", "Boto3", "1.18.55", ""},
		{"aws-sdk-go-v2/1.32.3 os/linux lang/go#1.23.1", "aws-sdk-go-v2", "1.32.3", ""},
		{"APN/1.0 HashiCorp/1.0 Terraform/1.11.0 (+https://www.terraform.io) aws-sdk-go-v2/1.36.3", "Terraform", "1.11.0", ""},
		{"stratus-red-team_e3e4b259-63a4-4d89-acd5-a7286a279bb8", "stratus-red-team", "", ""},
		{"console.ec2.amazonaws.com", "console", "", ""},
		{"signin.amazonaws.com", "console", "", ""},
		{"[S3Console/0.4, aws-internal/3 aws-sdk-java/1.11]", "console", "0.4", ""},
		{"AWS Internal", "AWS service", "", ""},
		{"lambda.amazonaws.com", "AWS service", "", ""},
		{"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36", "browser", "Chrome/120.0.0.0", ""},
		{"Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Safari/605.1.15", "browser", "Safari/17.1", ""},
		{"xcommand/iam.create-user", "xcommand", "iam.create-user", ""},
		{"", "", "", ""},
		{"[]", "", "", ""},
	} {
		if tool, version := Agent(tt.ua); tool != tt.tool || version != tt.version {
			t.Errorf("Agent(%q) is %q, %q, want %q, %q", tt.ua, tool, version, tt.tool, tt.version)
		}
		if got := AgentCommand(tt.ua); got != tt.command {
			t.Errorf("AgentCommand(%q) is %q, want %q", tt.ua, got, tt.command)
		}
	}
	long := make([]byte, 1000)
	for i := range long {
		long[i] = 0xc3
	}
	if tool, _ := Agent(string(long)); len(tool) > maxTool {
		t.Errorf("a tool has %d bytes", len(tool))
	}
}
