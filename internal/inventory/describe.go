package inventory

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// ec2Version is the version of the API.
const ec2Version = "2016-11-15"

// Bounds of answers in pages.
const (
	pageSize = "1000"
	maxPages = 2000
)

// describe makes a call of EC2's Query API, page by page.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html
//
// The requests are made here: the SDK's client for EC2 has all of its 700 calls.
func (q *session) describe(ctx context.Context, action string, pages bool, add func(Page) error) error {
	form := url.Values{"Action": {action}, "Version": {ec2Version}}
	if pages {
		form.Set("MaxResults", pageSize)
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}
	for n := 0; ; n++ {
		if n == maxPages {
			return fmt.Errorf("%s: %s has more than %d pages; the rest is left out", q.Target.String(), action, maxPages)
		}
		at := time.Now()
		answer, err := q.call(ctx, "ec2", action, []byte(form.Encode()), header, readFault)
		if err != nil {
			return err
		}
		doc, err := readXML(answer)
		if err != nil {
			return fmt.Errorf("%s: the answer to %s cannot be read: %w", q.Target.String(), action, err)
		}
		m, _ := doc.(map[string]any)
		next, _ := m["nextToken"].(string)
		body, err := json.Marshal(m)
		if err != nil {
			return err
		}
		if err := add(Page{At: at.UTC(), Account: q.account(), Region: q.Region, Doc: body}); err != nil {
			return err
		}
		if next == "" {
			return nil
		}
		form.Set("NextToken", next)
	}
}

// readFault reads what EC2 answers where something is wrong.
func readFault(answer []byte) *Fault {
	var x struct {
		Errors []struct{ Code, Message string } `xml:"Errors>Error"`
	}
	if xml.Unmarshal(answer, &x) != nil || len(x.Errors) == 0 {
		return nil
	}
	return &Fault{Code: x.Errors[0].Code, Message: x.Errors[0].Message}
}

// shown are the names of elements as `aws ec2` prints them, where they differ by more
// than case.
var shown = map[string]string{
	"reservationSet": "Reservations", "instancesSet": "Instances", "securityGroupInfo": "SecurityGroups", "networkAclSet": "NetworkAcls", "subnetSet": "Subnets",
	"networkInterfaceSet": "NetworkInterfaces", "addressesSet": "Addresses", "entrySet": "Entries", "associationSet": "Associations", "groupSet": "Groups",
	"instanceState": "State", "ipAddress": "PublicIpAddress",
}

// maxDepth bounds elements in elements.
const maxDepth = 30

// readXML reads an answer: elements with elements as maps, those whose elements are all
// called item as lists, others as texts.
func readXML(answer []byte) (any, error) {
	d := xml.NewDecoder(strings.NewReader(string(answer)))
	for {
		t, err := d.Token()
		if err == io.EOF {
			return nil, errors.New("it is empty")
		}
		if err != nil {
			return nil, err
		}
		if _, ok := t.(xml.StartElement); ok {
			return element(d, "", 0)
		}
	}
}

// element reads the rest of an element within one that is called parent.
func element(d *xml.Decoder, parent string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("its elements are nested too deeply")
	}
	var text strings.Builder
	var list []any
	m := map[string]any{}
	for {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.CharData:
			text.Write(t)
		case xml.StartElement:
			name := t.Name.Local
			of := name
			if name == "item" {
				of = parent
			}
			v, err := element(d, of, depth+1)
			if err != nil {
				return nil, err
			}
			if name == "item" {
				list = append(list, v)
				continue
			}
			switch {
			case name == "groupSet" && parent == "instancesSet":
				name = "SecurityGroups"
			case shown[name] != "":
				name = shown[name]
			}
			m[name] = v
		case xml.EndElement:
			switch {
			case list != nil:
				return list, nil
			case len(m) > 0:
				return m, nil
			}
			return strings.TrimSpace(text.String()), nil
		}
	}
}
