// One function for each kind of operation, see operations.h for what it writes. Where a kind is
// done to a record, task.state() is that record. Private to store/desk.
#pragma once

#include "store/desk/task.h"

namespace lienthong::store {

// dossier.cc
Result<OperationResult> carry_out(Task& task, const CreateDossier& what);
Result<OperationResult> carry_out(Task& task, const SetFields& what);
Result<OperationResult> carry_out(Task& task, const AddEvent& what);
Result<OperationResult> carry_out(Task& task, const AddNote& what);
// codes.cc
Result<OperationResult> carry_out(Task& task, const SayCode& what);
// lists.cc
Result<OperationResult> carry_out(Task& task, const ChangeList& what);
// clock.cc
Result<OperationResult> carry_out(Task& task, const Apologise& what);
// custody.cc
Result<OperationResult> carry_out(Task& task, const Offer& what);
Result<OperationResult> carry_out(Task& task, const Accept& what);
Result<OperationResult> carry_out(Task& task, const Decline& what);
Result<OperationResult> carry_out(Task& task, const Recall& what);
Result<OperationResult> carry_out(Task& task, const Reclaim& what);
Result<OperationResult> carry_out(Task& task, const Uphold& what);
Result<OperationResult> carry_out(Task& task, const Succeed& what);
Result<OperationResult> carry_out(Task& task, const ReturnHome& what);
// consulting.cc
Result<OperationResult> carry_out(Task& task, const Consult& what);
Result<OperationResult> carry_out(Task& task, const Reply& what);
Result<OperationResult> carry_out(Task& task, const Share& what);
// inspecting.cc
Result<OperationResult> carry_out(Task& task, const Inspect& what);
// erasing.cc
Result<OperationResult> carry_out(Task& task, const Erase& what);
// set_aside.cc
Result<OperationResult> carry_out(Task& task, const Adopt& what);
// legs.cc
Result<OperationResult> carry_out(Task& task, const CreateLeg& what);
Result<OperationResult> carry_out(Task& task, const FinishLeg& what);
// feedback.cc
Result<OperationResult> carry_out(Task& task, const CreateFeedback& what);
// documents.cc
Result<OperationResult> carry_out(Task& task, const CreateDocument& what);
Result<OperationResult> carry_out(Task& task, const SendDocument& what);
// procedures.cc
Result<OperationResult> carry_out(Task& task, const PublishProcedure& what);

// What SetFields and AddEvent come to on a record that is no dossier or leg; custody is ours.
Result<OperationResult> change_feedback(Task& task, const SetFields& what);   // feedback.cc
Result<OperationResult> change_document(Task& task, const SetFields& what);   // documents.cc
Result<OperationResult> change_procedure(Task& task, const SetFields& what);  // procedures.cc

}  // namespace lienthong::store
