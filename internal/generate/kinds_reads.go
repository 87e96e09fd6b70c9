package generate

import (
	"maps"
	"slices"
	"strings"
)

// scanned is what a posture scanner asks besides the reads of other actors, by
// service. A name with an asterisk is of a global service.
var scanned = map[string]string{
	"accessanalyzer":          "ListAnalyzers ListFindings",
	"account":                 "GetAlternateContact GetContactInformation",
	"acm":                     "ListCertificates DescribeCertificate",
	"apigateway":              "GetRestApis GetStages GetAuthorizers GetDomainNames",
	"appstream":               "DescribeFleets",
	"athena":                  "ListWorkGroups GetWorkGroup",
	"autoscaling":             "DescribeLaunchConfigurations DescribePolicies",
	"backup":                  "ListBackupVaults ListBackupPlans ListReportPlans ListProtectedResources GetBackupVaultAccessPolicy",
	"bedrock":                 "ListGuardrails GetModelInvocationLoggingConfiguration ListAgents ListFoundationModels",
	"cloudfront":              "ListDistributions* GetDistributionConfig*",
	"cloudtrail":              "GetEventSelectors GetInsightSelectors ListTags GetTrail",
	"codebuild":               "ListProjects BatchGetProjects",
	"cognito-idp":             "ListUserPools DescribeUserPool",
	"config":                  "DescribeConfigurationRecorders DescribeConfigurationRecorderStatus DescribeDeliveryChannels",
	"dax":                     "DescribeClusters",
	"directconnect":           "DescribeConnections",
	"dms":                     "DescribeReplicationInstances DescribeEndpoints",
	"drs":                     "DescribeJobs",
	"ds":                      "DescribeDirectories",
	"dynamodb":                "ListTables DescribeContinuousBackups ListTagsOfResource",
	"ec2":                     "DescribeNetworkAcls DescribeFlowLogs DescribeAddresses DescribeVpcEndpoints DescribeVpcPeeringConnections DescribeSnapshotAttribute DescribeImageAttribute DescribeClientVpnEndpoints DescribeTransitGateways DescribeInternetGateways GetEbsEncryptionByDefault GetSnapshotBlockPublicAccessState GetImageBlockPublicAccessState GetInstanceMetadataDefaults GetSerialConsoleAccessStatus DescribeLaunchTemplates DescribeRegions",
	"ecr":                     "DescribeRepositories GetRepositoryPolicy GetLifecyclePolicy DescribeImageScanFindings GetRegistryPolicy",
	"ecs":                     "ListClusters ListServices DescribeServices ListTaskDefinitions DescribeTaskDefinition",
	"eks":                     "ListClusters ListNodegroups",
	"elasticache":             "DescribeCacheClusters DescribeReplicationGroups",
	"elasticbeanstalk":        "DescribeEnvironments",
	"elasticfilesystem":       "DescribeFileSystems DescribeFileSystemPolicy DescribeMountTargets",
	"elasticloadbalancing":    "DescribeListeners DescribeLoadBalancerAttributes DescribeRules DescribeTargetGroups",
	"elasticmapreduce":        "ListClusters GetBlockPublicAccessConfiguration",
	"es":                      "ListDomainNames DescribeElasticsearchDomain",
	"events":                  "ListRules ListEventBuses DescribeEventBus",
	"firehose":                "ListDeliveryStreams DescribeDeliveryStream",
	"fms":                     "ListPolicies* ListComplianceStatus*",
	"glacier":                 "ListVaults GetVaultAccessPolicy",
	"glue":                    "GetConnections GetDevEndpoints GetJobs GetSecurityConfigurations GetDataCatalogEncryptionSettings",
	"guardduty":               "ListDetectors GetDetector GetMasterAccount ListMembers",
	"iam":                     "ListPolicies* ListVirtualMFADevices* ListMFADevices* GetAccountPasswordPolicy* GetCredentialReport* ListAttachedUserPolicies* ListUserPolicies* ListGroups* ListGroupsForUser* ListGroupPolicies* ListEntitiesForPolicy* ListSAMLProviders* ListOpenIDConnectProviders* ListServerCertificates* GetAccessKeyLastUsed* ListRolePolicies* GetRolePolicy* ListUserTags* GetAccountAuthorizationDetails*",
	"inspector2":              "BatchGetAccountStatus ListFindings",
	"kafka":                   "ListClustersV2",
	"kinesis":                 "ListStreams DescribeStream",
	"kms":                     "ListKeys GetKeyRotationStatus GetKeyPolicy ListAliases",
	"lambda":                  "GetPolicy20150331v2 GetFunctionConfiguration20150331v2 ListFunctionUrlConfigs ListTags20170331",
	"lightsail":               "GetInstances GetRelationalDatabases",
	"logs":                    "DescribeMetricFilters DescribeResourcePolicies ListTagsForResource",
	"macie2":                  "GetMacieSession GetAutomatedDiscoveryConfiguration",
	"monitoring":              "ListMetrics DescribeAlarmsForMetric",
	"mq":                      "ListBrokers",
	"network-firewall":        "ListFirewalls",
	"organizations":           "ListPolicies* ListDelegatedAdministrators* DescribeEffectivePolicy* ListRoots*",
	"rds":                     "DescribeDBInstances DescribeDBClusters DescribeDBSnapshots DescribeDBSnapshotAttributes DescribeEventSubscriptions DescribeCertificates DescribeDBParameters",
	"redshift":                "DescribeClusters DescribeLoggingStatus",
	"resource-explorer-2":     "ListIndexes Search",
	"route53":                 "ListHostedZones* ListResourceRecordSets* ListQueryLoggingConfigs*",
	"route53domains":          "ListDomains*",
	"route53resolver":         "ListResolverQueryLogConfigs",
	"s3":                      "GetAccountPublicAccessBlock GetBucketOwnershipControls GetBucketPolicyStatus ListAccessPoints",
	"sagemaker":               "ListNotebookInstances DescribeNotebookInstance ListModels ListTrainingJobs",
	"secretsmanager":          "ListSecrets GetResourcePolicy",
	"securityhub":             "DescribeHub GetEnabledStandards ListEnabledProductsForImport",
	"servicecatalog":          "ListPortfolios",
	"servicequotas":           "ListServiceQuotas GetServiceQuota ListRequestedServiceQuotaChangeHistory",
	"ses":                     "ListIdentities GetIdentityPolicies GetSendQuota GetAccount",
	"shield":                  "ListProtections* GetSubscriptionState*",
	"sns":                     "ListTopics ListSubscriptions",
	"sqs":                     "ListQueues",
	"ssm":                     "DescribeInstanceInformation ListDocuments DescribeDocumentPermission ListComplianceItems DescribeParameters GetInventory",
	"ssm-incidents":           "ListReplicationSets ListResponsePlans",
	"sso":                     "ListInstances* ListPermissionSets*",
	"states":                  "ListStateMachines DescribeStateMachine",
	"storagegateway":          "ListGateways ListFileShares",
	"support":                 "DescribeSeverityLevels*",
	"synthetics":              "DescribeCanaries",
	"trustedadvisor":          "ListRecommendations*",
	"waf-regional":            "ListWebACLs",
	"wafv2":                   "ListWebACLs GetWebACLForResource GetLoggingConfiguration",
	"wellarchitected":         "ListWorkloads",
	"workspaces":              "DescribeWorkspaces",
	"resource-groups-tagging": "GetTagKeys",
}

// scanReads returns the kinds of those reads, and all uses of a scanner. No name
// stands in another list of kinds.
func scanReads() (kinds []kind, uses []use) {
	for _, service := range slices.Sorted(maps.Keys(scanned)) {
		for name := range strings.FieldsSeq(scanned[service]) {
			name, global := strings.CutSuffix(name, "*")
			uses = append(uses, use{service + ":" + name, 3})
			k := kind{service: service, name: name, read: true, global: global}
			if global {
				k.host = service + ".amazonaws.com"
			}
			kinds = append(kinds, k)
		}
	}
	for _, kinds := range [][]kind{computeKinds, storageKinds, identityKinds, operationsKinds} {
		for i := range kinds {
			if k := &kinds[i]; k.read && k.category == "" && scannersAsk(k.service, k.name) {
				uses = append(uses, use{k.service + ":" + k.name, 4})
			}
		}
	}
	return kinds, uses
}

// scannersAsk says whether a read of a configuration is what scanners ask, rather than one that gives out data.
func scannersAsk(service, name string) bool {
	if service == "sts" {
		return name == "GetCallerIdentity"
	}
	switch service + ":" + name {
	case "kms:Decrypt", "kms:GenerateDataKey", "secretsmanager:GetSecretValue", "ssm:GetParameter", "ecr:BatchGetImage", "ecr:GetAuthorizationToken", "logs:FilterLogEvents", "logs:StartQuery", "xray:GetSamplingRules",
		"cloudtrail:LookupEvents":
		return false
	}
	return true
}
