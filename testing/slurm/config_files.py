"""The configuration files of the test cluster; `cluster` fills in folder and ports."""

SLURM_CONF = """\
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={controller}
AuthType=auth/munge
# A requeued job waits until the credentials of its first start have expired.
AuthInfo=socket={folder}/munge/socket,cred_expire=15
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=5
AccountingStoreFlags=job_comment
GresTypes=gpu
# scontrol remembers ended jobs for a day, so that tests can look at them.
MinJobAge=86400
SlurmdTimeout={node_timeout_s}
# A busy machine is slow to answer.
MessageTimeout=60
TCPTimeout=20
BatchStartTimeout=120
KillWait=5
SchedulerParameters=sched_min_interval=100000,bf_interval=2
RebootProgram=/bin/true
AccountingStorageType=accounting_storage/{storage}
"""
PARTITIONS = """\
PartitionName=cpu Nodes=ALL Default=YES MaxTime=3-00:00:00 State=UP
PartitionName=gpu Nodes=ALL MaxTime=2-00:00:00 State=UP
PartitionName=gpu-l40s Nodes=l40s-[1-2] MaxTime=2-00:00:00 State=UP
PartitionName=gpu-a6000 Nodes=a6000-[1-2] MaxTime=2-00:00:00 State=UP
"""
SLURMDBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
DbdHost=localhost
DbdPort={daemon}
SlurmUser=root
PidFile={folder}/run/slurmdbd.pid
LogFile={folder}/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm
"""
