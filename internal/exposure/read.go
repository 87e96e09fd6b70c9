package exposure

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// record is what is read of a record.
type record struct {
	EventTime          time.Time
	EventID            string
	EventName          string
	EventSource        string
	AwsRegion          string
	RecipientAccountID string
	SourceIPAddress    string
	ErrorCode          string
	UserIdentity       struct{ Type, Arn, UserName, PrincipalID, AccountID, InvokedBy string }
	RequestParameters  any
	ResponseElements   any
	request, response  tree
	at                 *Change
	account, region    string
}

// readers apply what a call changed.
var readers = map[string]func(*Model, *record){
	"CreateSecurityGroup":             (*Model).createGroup,
	"DeleteSecurityGroup":             (*Model).deleteGroup,
	"AuthorizeSecurityGroupIngress":   (*Model).authorize,
	"RevokeSecurityGroupIngress":      (*Model).revoke,
	"ModifySecurityGroupRules":        (*Model).modifyRules,
	"CreateNetworkAcl":                (*Model).createACL,
	"DeleteNetworkAcl":                (*Model).deleteACL,
	"CreateNetworkAclEntry":           (*Model).putEntry,
	"ReplaceNetworkAclEntry":          (*Model).putEntry,
	"DeleteNetworkAclEntry":           (*Model).deleteEntry,
	"CreateSubnet":                    (*Model).createSubnet,
	"CreateDefaultSubnet":             (*Model).createSubnet,
	"ModifySubnetAttribute":           (*Model).modifySubnet,
	"RunInstances":                    (*Model).run,
	"StartInstances":                  (*Model).turn,
	"StopInstances":                   (*Model).turn,
	"TerminateInstances":              (*Model).turn,
	"ModifyInstanceAttribute":         (*Model).modifyInstance,
	"CreateNetworkInterface":          (*Model).createInterface,
	"AttachNetworkInterface":          (*Model).attach,
	"ModifyNetworkInterfaceAttribute": (*Model).modifyInterface,
	"AllocateAddress":                 (*Model).allocate,
	"AssociateAddress":                (*Model).associate,
	"DisassociateAddress":             (*Model).disassociate,
}

// source is the eventSource of the calls.
const source = "ec2.amazonaws.com"

// Search returns the search for the records of a model, with their text.
func Search() string {
	return "index=* eventSource=" + source + " eventName IN (" + strings.Join(sorted(readers), ", ") + ") | fields _raw"
}

// Add adds a record. One that failed, or changed nothing that matters here, is passed over.
func (m *Model) Add(raw []byte) {
	var r record
	if err := decode(raw, &r); err != nil {
		m.Unread++
		return
	}
	read := readers[r.EventName]
	if read == nil || r.EventSource != source || r.ErrorCode != "" || r.EventTime.IsZero() {
		return
	}
	r.request, r.response = tree{r.RequestParameters}, tree{r.ResponseElements}
	by := r.UserIdentity.Arn
	for _, other := range []string{r.UserIdentity.InvokedBy, r.UserIdentity.UserName, r.UserIdentity.PrincipalID, r.UserIdentity.AccountID} {
		if by == "" {
			by = other
		}
	}
	r.at = &Change{Time: r.EventTime.UTC(), EventID: r.EventID, Event: r.EventName, By: by, Address: r.SourceIPAddress}
	if r.account, r.region = r.RecipientAccountID, r.AwsRegion; r.account == "" {
		r.account = r.UserIdentity.AccountID
	}
	m.Records++
	if m.Since.IsZero() || r.at.Time.Before(m.Since) {
		m.Since = r.at.Time
	}
	if r.at.Time.After(m.Until) {
		m.Until = r.at.Time
	}
	read(m, &r)
}

// decode reads JSON with its numbers as they are written.
func decode(data []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(to); err != nil {
		return err
	}
	if d.More() {
		return errors.New("text follows the JSON")
	}
	return nil
}
