package send

import (
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"

	"bluetrail/internal/alert"
	"bluetrail/internal/config"
	"bluetrail/internal/diag"
)

// keys sets credentials of AWS that are good for nothing.
func keys(t *testing.T) {
	t.Helper()
	for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "HIDDENHIDDEN", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": ""} {
		t.Setenv(k, v)
	}
}

// TestSecurityHub: findings have what ASFF requires, in its bounds, and a closed alert's
// is archived.
func TestSecurityHub(t *testing.T) {
	keys(t)
	at, ca, got := server(t, 200, `{"FailedCount":0,"SuccessCount":1,"FailedFindings":[]}`)
	o := opened(t, config.Output{Type: "securityhub", Account: "111122223333", Region: "cn-north-1", Endpoint: at})
	o.CA = ca
	b := batches()["digest"]
	b.Messages[2].Change = alert.Ended
	if reply, err := o.Send(t.Context(), b); err != nil || !strings.HasPrefix(reply, "1 finding") { // the same alert three times
		t.Fatal(reply, err)
	}
	p := (*got)[0]
	if p.path != "/findings/import" || !strings.Contains(p.Get("Authorization"), "/cn-north-1/securityhub/aws4_request") {
		t.Error(p.path, p.Header)
	}
	var in struct {
		Findings []struct {
			SchemaVersion, Id, ProductArn, GeneratorId, AwsAccountId, CreatedAt, UpdatedAt, Title, Description, RecordState string

			Resources             []struct{ Type, Id, Partition string }
			FindingProviderFields struct {
				Severity struct{ Label string }
				Types    []string
			}
			ProductFields map[string]string
		}
	}
	if err := json.Unmarshal(p.body, &in); err != nil || len(in.Findings) != 1 {
		t.Fatal(len(in.Findings), err)
	}
	f := in.Findings[0]
	if f.SchemaVersion != "2018-10-08" || f.ProductArn != "arn:aws-cn:securityhub:cn-north-1:111122223333:product/111122223333/default" || f.AwsAccountId != "111122223333" ||
		f.CreatedAt != "2026-11-28T12:00:00.000Z" || f.RecordState != "ARCHIVED" || f.FindingProviderFields.Severity.Label != "HIGH" || len(f.FindingProviderFields.Types) != 1 ||
		len(f.Resources) != 3 || f.Resources[0].Partition != "aws-cn" {
		t.Errorf("%.500v", f)
	}
	for _, c := range []struct {
		text string
		most int
	}{{f.Id, 512}, {f.GeneratorId, 512}, {f.Title, 256}, {f.Description, 1024}, {f.Resources[1].Id, 512}} {
		if n := len([]rune(c.text)); n == 0 || n > c.most || strings.ContainsFunc(c.text, diag.Hidden) {
			t.Errorf("%d characters, at most %d: %.100q", n, c.most, c.text)
		}
	}
	if len(f.ProductFields) == 0 || len(f.ProductFields) > 50 || len(p.body) > 240<<10 {
		t.Errorf("%d fields, %d bytes", len(f.ProductFields), len(p.body))
	}
	for answer, final := range map[string]bool{"InvalidInput": true, "InternalFailure": false} {
		at, ca, _ := server(t, 200, `{"FailedCount":1,"SuccessCount":0,"FailedFindings":[{"Id":"x","ErrorCode":"`+answer+`","ErrorMessage":"no"}]}`)
		_, err := opened(t, config.Output{Type: "securityhub", Account: "111122223333", Region: "eu-west-1", Endpoint: at, CA: ca}).Send(t.Context(), b)
		if f, ok := err.(*Failure); !ok || f.Final != final || !strings.Contains(f.Reason, answer+": no") {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

// TestSNS: the subject is what SNS takes, attributes serve filter policies, and a FIFO
// topic drops repeats.
func TestSNS(t *testing.T) {
	keys(t)
	t.Setenv("AWS_CA_BUNDLE", "")
	for name, b := range batches() {
		at, ca, got := server(t, 200, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m1</MessageId></PublishResult></PublishResponse>`)
		t.Setenv("AWS_CA_BUNDLE", ca)
		o := opened(t, config.Output{Type: "sns", Topic: "arn:aws:sns:eu-west-1:111122223333:alerts.fifo", Region: "eu-west-1", Endpoint: at, Format: "text"})
		if reply, err := o.Send(t.Context(), b); err != nil || reply != "message m1" {
			t.Fatal(name, reply, err)
		}
		form, err := url.ParseQuery(string((*got)[0].body))
		if err != nil {
			t.Fatal(err)
		}
		if s := form.Get("Subject"); len(s) > 99 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) || !strings.HasPrefix(s, "[bluetrail] ") {
			t.Errorf("%s: %q", name, s)
		}
		harmless(t, []string{form.Get("Message")})
		if form.Get("MessageDeduplicationId") != b.Key || form.Get("MessageGroupId") == "" || len(form.Get("Message")) > maxNotification || !strings.Contains(form.Encode(), "severity") {
			t.Errorf("%s: %.300v", name, form)
		}
	}
	at, ca, _ := server(t, 400, `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidParameter</Code><Message>no</Message></Error></ErrorResponse>`)
	t.Setenv("AWS_CA_BUNDLE", ca)
	_, err := opened(t, config.Output{Type: "sns", Topic: "arn:aws:sns:eu-west-1:111122223333:alerts", Region: "eu-west-1", Endpoint: at, Format: "alert"}).Send(t.Context(), batches()["one"])
	if f, ok := err.(*Failure); !ok || !f.Final || strings.Contains(f.Reason, "HIDDEN") {
		t.Error(err)
	}
}

// TestSNSServer publishes to goaws or any other server that speaks SNS.
func TestSNSServer(t *testing.T) {
	at, topic := os.Getenv("BLUETRAIL_SNS_ENDPOINT"), os.Getenv("BLUETRAIL_SNS_TOPIC")
	if at == "" || topic == "" {
		t.Skip("BLUETRAIL_SNS_ENDPOINT and BLUETRAIL_SNS_TOPIC name no server")
	}
	keys(t)
	for _, format := range []string{"text", "alert"} {
		o := opened(t, config.Output{Type: "sns", Topic: topic, Region: "us-east-1", Endpoint: at, Format: format})
		if _, err := o.Send(t.Context(), batches()["one"]); err != nil {
			t.Error(format, err)
		}
	}
}
