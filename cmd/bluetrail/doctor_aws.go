package main

import (
	"fmt"
	"text/tabwriter"

	"bluetrail/internal/aws/inspect"
	"bluetrail/internal/aws/permission"
	"bluetrail/internal/diag"
)

// doctorAWS says what of AWS to check.
type doctorAWS struct {
	Bucket   []string `help:"Bucket of a trail to check; repeatable (default: those of the account's trails)." placeholder:"NAME"`
	Queue    string   `help:"Queue to check." placeholder:"URL"`
	awsFlags `embed:""`
	Policy   bool `help:"Print the IAM policy for the calls that bluetrail makes to read a trail, and check nothing."`
}

func (c *doctorAWS) run(a *app) error {
	if c.Policy {
		doc, err := permission.Policy(c.resources, permission.Reading...)
		if err == nil {
			_, err = fmt.Fprintf(a.out, "%s\n", doc)
		}
		return err
	}
	access := c.access()
	if err := access.Check(); err != nil {
		return usageError{err}
	}
	list, err := inspect.Check(a.ctx, inspect.Source{Access: access, Buckets: c.Bucket, Queue: c.Queue, Organization: a.cfg.Organization != nil})
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	problems := 0
	for _, f := range list {
		if f.State == inspect.Problem {
			problems++
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.State, diag.Printable(f.About), diag.Printable(f.Text))
		if f.Fix != "" {
			fmt.Fprintf(w, "\t\t  change: %s\n", diag.Printable(f.Fix))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if problems > 0 {
		return fmt.Errorf("%s found; change what is marked PROBLEM and run bluetrail doctor aws again", count(problems, "problem"))
	}
	return nil
}

// resources are the ARNs that the printed policy names: those of the given buckets, and
// names in capitals for what is to be filled in.
func (c *doctorAWS) resources(on permission.On) (list []string) {
	buckets := c.Bucket
	if len(buckets) == 0 {
		buckets = []string{"BUCKET"}
	}
	switch on {
	case permission.Bucket, permission.AnyObject:
		for _, b := range buckets {
			arn := "arn:aws:s3:::" + b
			if on == permission.AnyObject {
				arn += "/*"
			}
			list = append(list, arn)
		}
		return list
	case permission.Key:
		return []string{"arn:aws:kms:REGION:ACCOUNT:key/KEY"}
	case permission.AnyQueue:
		return []string{"arn:aws:sqs:REGION:ACCOUNT:QUEUE", "arn:aws:sqs:REGION:ACCOUNT:DEAD-LETTER-QUEUE"}
	case permission.Trail:
		return []string{"arn:aws:cloudtrail:REGION:ACCOUNT:trail/TRAIL"}
	}
	return []string{"*"}
}
