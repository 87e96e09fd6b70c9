package main

import (
	"context"

	"bluetrail/internal/aws"
)

// awsFlags are the flags that say how AWS is reached.
type awsFlags struct {
	Region        string `help:"AWS region (default: the SDK's; a bucket's own region is found automatically)." placeholder:"NAME"`
	Profile       string `help:"Profile of the shared AWS configuration files." placeholder:"NAME"`
	RoleARN       string `name:"role-arn" help:"Role to assume." placeholder:"ARN"`
	ExternalID    string `name:"external-id" help:"External ID for --role-arn." placeholder:"ID"`
	Endpoint      string `help:"URL to use instead of AWS's own, for other servers that speak S3." placeholder:"URL"`
	RequesterPays bool   `help:"Accept the charges for a bucket where the requester pays."`
}

func (f *awsFlags) access() aws.Access {
	return aws.Access{
		Region: f.Region, Endpoint: f.Endpoint, Profile: f.Profile, RoleARN: f.RoleARN, ExternalID: f.ExternalID,
		RequesterPays: f.RequesterPays, PathStyle: f.Endpoint != "",
	}
}

// client returns a client of AWS. It sends no request.
func (f *awsFlags) client(ctx context.Context) (*aws.Client, error) {
	c, err := aws.New(ctx, f.access())
	if err != nil {
		return nil, usageError{err}
	}
	return c, nil
}

// used returns a flag that is set, "" = none is.
func (f *awsFlags) used() string {
	switch {
	case f.Region != "":
		return "--region"
	case f.Profile != "":
		return "--profile"
	case f.RoleARN != "":
		return "--role-arn"
	case f.ExternalID != "":
		return "--external-id"
	case f.Endpoint != "":
		return "--endpoint"
	case f.RequesterPays:
		return "--requester-pays"
	}
	return ""
}
