package send

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/alert/message"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Bounds of BatchImportFindings.
const (
	maxFindings  = 100
	maxResources = 20
)

type hub struct {
	o     *Output
	c     *client
	cfg   aws.Config
	where *url.URL
}

// newSecurityHub returns a sender of findings in the AWS Security Finding Format to the
// default product of an account. A closed alert's finding is archived.
// https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-custom-providers.html
//
// The request is made here: the SDK's client for this one call is larger than all of
// the other outputs together.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html
func newSecurityHub(o *Output) (Sender, error) {
	c, err := newClient(o)
	if err != nil {
		return nil, err
	}
	domain := "amazonaws.com"
	if partitionOf(o.Region) == "aws-cn" {
		domain += ".cn"
	}
	where, err := url.Parse(cmp.Or(o.Endpoint, "https://securityhub."+o.Region+"."+domain))
	if err != nil {
		return nil, errors.New("the endpoint is not a URL")
	}
	cfg, err := credentials(context.Background(), o.Region)
	return &hub{o, c, cfg, where.JoinPath("findings", "import")}, err
}

// Send implements Sender.
func (h *hub) Send(ctx context.Context, b *message.Batch) (string, error) {
	var findings []object
	at := map[string]int{}
	for i := range b.Messages {
		f, err := h.finding(&b.Messages[i])
		if err != nil {
			return "", err
		}
		id := f["Id"].(string)
		if j, ok := at[id]; ok { // an alert that changed more than once is told as it is now
			findings[j] = f
			continue
		}
		at[id] = len(findings)
		findings = append(findings, f)
	}
	for part := range slices.Chunk(findings, maxFindings) {
		if err := h.send(ctx, part); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d findings imported", len(findings)), nil
}

// send imports findings in one request.
func (h *hub) send(ctx context.Context, findings []object) error {
	body, err := json.Marshal(object{"Findings": findings})
	if err != nil {
		return err
	}
	keys, err := h.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("there are no credentials of AWS: %w", err)
	}
	reply, err := h.c.post(ctx, h.o, h.where, body, nil, func(r *http.Request) error {
		sum := sha256.Sum256(body)
		return v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(sum[:]), "securityhub", h.o.Region, time.Now())
	})
	if err != nil {
		return err
	}
	var out struct {
		FailedFindings []struct{ ErrorCode, ErrorMessage string }
	}
	_, text, _ := strings.Cut(reply, "{")
	if err := json.Unmarshal([]byte("{"+text), &out); err != nil {
		return fmt.Errorf("the answer cannot be read: %s", reply)
	}
	if n := len(out.FailedFindings); n > 0 {
		f := out.FailedFindings[0]
		return &Failure{Reason: fmt.Sprintf("%d of %d findings were refused; the first: %s: %s", n, len(findings), f.ErrorCode, f.ErrorMessage), Final: f.ErrorCode == "InvalidInput"}
	}
	return nil
}

// finding returns a message as ASFF has it.
func (h *hub) finding(m *message.Message) (object, error) {
	title, err := h.o.texts.Title(m, message.Plain)
	if err != nil {
		return nil, err
	}
	at := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
	text := func(s string, most int, none string) string { return cmp.Or(runes(message.Plain(s), most), none) }
	partition := partitionOf(h.o.Region)
	account := object{"Type": "AwsAccount", "Id": "AWS::::Account:" + h.o.Account, "Partition": partition, "Region": h.o.Region}
	f := object{
		"SchemaVersion": "2018-10-08", "AwsAccountId": h.o.Account, "Id": "bluetrail/" + incident(m), "GeneratorId": "bluetrail",
		"ProductArn": fmt.Sprintf("arn:%s:securityhub:%s:%s:product/%s/default", partition, h.o.Region, h.o.Account, h.o.Account),
		"CreatedAt":  at(m.Time), "UpdatedAt": at(m.Time), "Title": text(title, 256, "bluetrail"), "Description": text(title, 1024, "bluetrail"),
		"CompanyName": "bluetrail", "ProductName": "bluetrail", "RecordState": "ACTIVE", "Sample": m.Test,
		"FindingProviderFields": object{"Severity": object{"Label": strings.ToUpper(string(message.Severity([]message.Message{*m})))}, "Types": []string{"TTPs"}},
		"Resources":             []object{account},
	}
	a := m.Alert
	if a == nil {
		return f, nil
	}
	f["GeneratorId"], f["Description"] = text(a.RuleID, 512, "bluetrail"), text(a.Summary, 1024, title)
	f["CreatedAt"], f["FirstObservedAt"], f["LastObservedAt"] = at(a.Created), at(a.First), at(a.Last)
	if m.Change == alert.Ended {
		f["RecordState"] = "ARCHIVED"
	}
	things := []object{account}
	for _, o := range a.Object[:min(len(a.Object), maxResources)] {
		things = append(things, object{"Type": "Other", "Id": text(o, 512, "unknown"), "Partition": partition})
	}
	f["Resources"] = things
	fields := map[string]string{}
	for _, fact := range m.Facts() {
		if name := "bluetrail/" + strings.ReplaceAll(fact.Name, "&", ""); fields[name] == "" {
			fields[name] = text(fact.Value, 1024, "")
		}
	}
	f["ProductFields"] = fields
	for _, s := range a.Sources {
		if ip, err := netip.ParseAddr(s.Address); err == nil {
			key := "SourceIpV6"
			if ip.Is4() {
				key = "SourceIpV4"
			}
			f["Network"] = object{"Direction": "IN", key: ip.String()}
			break
		}
	}
	return f, nil
}

// partitionOf returns the partition of a region.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}
