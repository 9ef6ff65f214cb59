"""ecs-revision-janitor: deletes old INACTIVE ECS task definition revisions, and says why it keeps the others."""
