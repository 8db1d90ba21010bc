"""Makes what the tests need in moto's server at MOTO_URL, and prints it as shell variables."""

import json
import os
import sys
import time
import urllib.error
import urllib.request

import boto3

URL = os.environ["MOTO_URL"]
ACCOUNT = "123456789012"  # moto's default account


def wait_for_server():
    for _ in range(150):
        try:
            urllib.request.urlopen(URL + "/moto-api/", timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    sys.exit("moto_server did not start")


def user(iam, name, *actions):
    """Makes a user that may do only these actions, and returns its access key."""
    iam.create_user(UserName=name)
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
    }
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
    return iam.create_access_key(UserName=name)["AccessKey"]


def role(iam, name, principal, *actions):
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}],
    }
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
    }
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(document))


wait_for_server()
iam = boto3.client("iam", endpoint_url=URL, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
allowed = user(iam, "gateway", "sts:AssumeRole", "sts:GetCallerIdentity")
denied = user(iam, "stranger", "sts:GetCallerIdentity")
role(iam, "Bedrock", f"arn:aws:iam::{ACCOUNT}:user/gateway", "sts:AssumeRole", "sts:GetCallerIdentity")
role(iam, "Second", f"arn:aws:sts::{ACCOUNT}:assumed-role/Bedrock/bedrock-gateway", "sts:GetCallerIdentity")

print(f"MOTO_ACCOUNT={ACCOUNT}")
for prefix, key in (("MOTO", allowed), ("MOTO_DENIED", denied)):
    print(f"{prefix}_KEY='{key['AccessKeyId']}'")
    print(f"{prefix}_SECRET='{key['SecretAccessKey']}'")
