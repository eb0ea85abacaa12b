"""Runs moto with the only operation of Application Auto Scaling that docs/scaling.md uses and moto lacks.

Nothing scales in moto, so a registered target has no activities, and an unregistered one is refused as in the service.
"""

import json
import sys

from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.server import main


def describe_scaling_activities(self):
    namespace, resource = self._get_param("ServiceNamespace"), self._get_param("ResourceId")
    targets = self.applicationautoscaling_backend.describe_scalable_targets(
        namespace=namespace, r_ids=[resource], dimension=self._get_param("ScalableDimension")
    )
    if not targets:
        raise AWSValidationException(f"No scalable target registered for namespace: {namespace}, resource ID: {resource}")
    return json.dumps({"ScalingActivities": []})


ApplicationAutoScalingResponse.describe_scaling_activities = describe_scaling_activities

if __name__ == "__main__":
    main(sys.argv[1:])
